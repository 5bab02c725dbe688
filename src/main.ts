#!/usr/bin/env -S node --max-semi-space-size=8
// The program's entry: gives the command line the real world, and exits with its code. The flag bounds what node keeps for
// short-lived objects, which would grow to 128 MiB and never be given back; successors, proxies and workers inherit it.
import { enableCompileCache } from 'node:module';
import { readProgramVersion } from './version.ts';

// Before anything else is loaded: a second start then compiles nothing (and strips no types) again.
enableCompileCache();
const { runProgram } = await import('./cli/program.ts');
const { openOutside, PIPE_CLOSED } = await import('./cli/reality.ts');

const code = await runProgram(process.argv.slice(2), openOutside(process), readProgramVersion());
// Once everything before it is written; an error means that nobody reads any more.
process.stdout.write('', (error) => process.exit(error ? PIPE_CLOSED : code));
