// The program as commander sees it: all commands, and how a run ends. Owns no command's meaning; never exits the
// process.
import { Command, CommanderError } from 'commander';
import { ConfigProblem } from '../config.ts';
import { StoreError } from '../store/errors.ts';
import { addApply } from './apply.ts';
import { addBackup } from './backup.ts';
import { addWords } from './commands.ts';
import { addDoctor } from './doctor.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addExplain } from './explain.ts';
import { addFreeze, addUnfreeze } from './freeze.ts';
import { addHistory } from './history.ts';
import { addLogs } from './logs.ts';
import type { Outside, Session } from './outside.ts';
import { addPlan } from './plan.ts';
import { addRelease } from './release.ts';
import { addRestore } from './restore.ts';
import { addRm } from './rm.ts';
import { addRollback } from './rollback.ts';
import { addProxy, addServe } from './serve.ts';
import { addStatus } from './status.ts';
import { addValidate } from './validate.ts';
import { addWeights } from './weights.ts';

const EXIT_CODES = `
Exit codes:
  0 done or succeeded      1 failed                  2 bad usage or invalid input
  3 rolled back            4 superseded              5 timed out (the rollout goes on)
  6 refused (frozen, quarantined)                    7 aborted`;

const GROUPS = [
  { heading: 'Run:', add: [addServe, addProxy, addDoctor] },
  { heading: 'Release:', add: [addValidate, addApply, addPlan, addRelease] },
  { heading: 'Look:', add: [addStatus, addExplain, addHistory, addLogs] },
  { heading: 'Keep:', add: [addBackup, addRestore] },
  { heading: 'Steer:', add: [addWords, addRollback, addWeights, addFreeze, addUnfreeze, addRm] },
] as const;

export function buildProgram(session: Session, version: string): Command {
  const program = new Command('slipway')
    .description(
      'A deployment controller for Docker: rollouts from etcd keys, gated on health, behind its own proxy.',
    )
    .version(version, '--version', 'print the version')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXIT_CODES)
    .addHelpText('after', '\nEvery flag with a [SLIPWAY_…] variable can be set there instead; the flag wins.')
    .showHelpAfterError('(see `slipway --help`)');
  for (const { heading, add } of GROUPS) {
    program.commandsGroup(heading);
    for (const addTo of add) addTo(program, session);
  }
  for (const command of [program, ...program.commands]) settle(command, session);
  return program;
}

function settle(command: Command, { out, err }: Session): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => out.write(text),
    writeErr: (text) => err.write(text),
    getOutHelpWidth: () => out.columns,
    getErrHelpWidth: () => err.columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

/** `args` are those after the program's name. Returns the exit code; every failure has been told on stderr. */
export async function runProgram(
  args: readonly string[],
  outside: Outside,
  version: string,
): Promise<number> {
  const session: Session = { ...outside, exitCode: EXIT.done };
  try {
    const program = buildProgram(session, version);
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync([...args], { from: 'user' });
    return session.exitCode;
  } catch (error) {
    return tellFailure(error, outside);
  }
}

function tellFailure(error: unknown, { err }: Outside): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.invalid;
  if (error instanceof ConfigProblem) {
    for (const problem of error.problems) err.write(`error: ${problem}\n`);
    return EXIT.invalid;
  }
  if (error instanceof CommandFailure) {
    err.write(`${error.exit === EXIT.invalid ? 'error: ' : ''}${error.message}\n`);
    return error.exit;
  }
  err.write(`error: ${describeError(error)}\n`);
  return error instanceof StoreError && error.code === 'store-refused' ? EXIT.invalid : EXIT.failed;
}

/** Coded errors speak for themselves; anything else is a bug, told with its stack. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? error.message : (error.stack ?? error.message);
}
