#!/usr/bin/env node
// The program's entry: gives the command line the real world, and exits with its code.
import { runProgram } from './cli/program.ts';
import { openOutside, PIPE_CLOSED } from './cli/reality.ts';
import { readProgramVersion } from './version.ts';

const code = await runProgram(process.argv.slice(2), openOutside(process), readProgramVersion());
// Once everything before it is written; an error means that nobody reads any more.
process.stdout.write('', (error) => process.exit(error ? PIPE_CLOSED : code));
