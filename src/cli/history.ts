// `slipway history`: the receipts of finished rollouts, newest first.
import type { Command } from 'commander';
import { readServiceName, requireSpec, withClient } from './client.ts';
import type { FinishedDocument } from './documents.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import { readSnapshot } from './follow.ts';
import type { Session } from './outside.ts';
import { readService } from './service.ts';
import { formatTable } from './status-table.ts';
import { describeOutcome, describeTook, formatAge } from './words.ts';

const HEADINGS = ['REVISION', 'VERSION', 'KIND', 'STRATEGY', 'OUTCOME', 'REASON', 'TOOK', 'ENDED', 'ROLLOUT'];

export function addHistory(program: Command, session: Session): void {
  const command = program
    .command('history')
    .summary('list finished rollouts')
    .description('The receipts of finished rollouts, newest first; with -o json the evidence too.')
    .argument('<service>', 'the service', readServiceName)
    .addHelpText('after', '\nExamples:\n  slipway history web\n  slipway history web -o json');
  addOutput(command);
  addConnection(command).action(async (service: string) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    await withClient(session, command, async (client) => {
      const snapshot = await readSnapshot(client.store, client.keys.service(service));
      const { history } = readService(client.keys, service, snapshot);
      if (history.length === 0) await requireSpec(client, service);
      session.out.write(
        output === 'json' ? `${JSON.stringify(history, null, 2)}\n` : formatHistory(history, session.now()),
      );
    });
  });
}

function formatHistory(history: readonly FinishedDocument[], now: number): string {
  if (history.length === 0) return 'no rollout has finished yet\n';
  const rows = history.map((one) => [
    String(one.revision),
    one.version,
    one.kind,
    one.strategy,
    describeOutcome(one.outcome),
    one.reason ?? '-',
    describeTook(one),
    `${formatAge(one.ended, now)} ago`,
    one.id,
  ]);
  return `${formatTable(HEADINGS, rows)}\n`;
}
