// `slipway rollback`: back to the previous stable revision, or to a numbered one.
import type { Command } from 'commander';
import { readServiceName } from './client.ts';
import { giveCommand } from './commands.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addSettings } from './flags.ts';
import type { Session } from './outside.ts';

interface Options {
  readonly to?: number;
  readonly wait?: true;
}

export function addRollback(program: Command, session: Session): void {
  const command = program
    .command('rollback')
    .summary('return to an earlier revision')
    .description(
      'Returns to the previous stable revision, or to revision N. The numbers are in `slipway history`.',
    )
    .argument('<service>', 'the service', readServiceName)
    .option('--to <revision>', 'which revision', readRevision)
    .option('--wait', 'follow the rollout until it has ended')
    .addHelpText('after', '\nExamples:\n  slipway rollback web\n  slipway rollback web --to 7 --wait');
  addSettings(command, ['timeout', 'output'], 'Options:');
  addConnection(command).action(async (service: string, { to, wait }: Options) => {
    const text = to === undefined ? 'rollback' : `rollback ${to}`;
    session.exitCode = await giveCommand(session, command, { service, text, isAwaited: wait ?? false });
  });
}

/** The parser of a revision number. */
export function readRevision(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new CommandFailure(
    EXIT.invalid,
    `found ${JSON.stringify(text)}, expected the number of a revision, such as 7`,
  );
}
