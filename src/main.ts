#!/usr/bin/env node
// The program's entry: gives the command line the real world, and exits with its code.
import { runProgram } from './cli/program.ts';
import { openOutside } from './cli/reality.ts';
import { readProgramVersion } from './version.ts';

const code = await runProgram(process.argv.slice(2), openOutside(process), readProgramVersion());
process.stdout.write('', () => process.exit(code));
