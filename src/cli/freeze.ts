// `slipway freeze` and `unfreeze`: stop the line, for one service or for all.
import type { Command } from 'commander';
import { type Client, readServiceName, requireSpec, withClient, writeKey } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { printSaid } from './print.ts';

export function addFreeze(program: Command, session: Session): void {
  const command = program
    .command('freeze')
    .summary('let no new rollout start')
    .description(
      'While frozen, no new rollout starts, for one service or for all; running ones finish, rollbacks and aborts pass.',
    )
    .argument('[service]', 'the service; without it, all of them', readServiceName)
    .requiredOption('--reason <text>', 'why; shown to whoever asks')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway freeze --reason "incident 42"\n  slipway freeze web --reason audit',
    );
  addOutput(command);
  addConnection(command).action(
    async (service: string | undefined, { reason }: { readonly reason: string }) => {
      const { output } = readCommandSettings(command, ['output'], session.env);
      if (reason.trim() === '')
        throw new CommandFailure(EXIT.invalid, '--reason: found nothing, expected a text');
      await withClient(session, command, async (client) => {
        const key = await findFreezeKey(client, service);
        await writeKey(client.store, key, reason);
        printSaid(session, output, {
          text: `${service ?? 'all services'}: frozen (${reason})`,
          document: { service: service ?? null, result: 'frozen', reason },
        });
      });
    },
  );
}

export function addUnfreeze(program: Command, session: Session): void {
  const command = program
    .command('unfreeze')
    .summary('let rollouts start again')
    .description('Ends a freeze. A service freeze and the freeze of all services are separate.')
    .argument('[service]', 'the service; without it, the freeze of all services', readServiceName)
    .addHelpText('after', '\nExamples:\n  slipway unfreeze\n  slipway unfreeze web');
  addOutput(command);
  addConnection(command).action(async (service: string | undefined) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    await withClient(session, command, async (client) => {
      const isFrozen = await endFreeze(client, await findFreezeKey(client, service));
      printSaid(session, output, {
        text: `${service ?? 'all services'}: ${isFrozen ? 'no longer' : 'not'} frozen`,
        document: { service: service ?? null, result: isFrozen ? 'unfrozen' : 'unchanged' },
      });
    });
  });
}

/** False when there was none. */
async function endFreeze({ store }: Client, key: string): Promise<boolean> {
  if ((await store.get(key)) === null) return false;
  await store.commit({ guards: [], puts: [], deletes: [key] });
  return true;
}

async function findFreezeKey(client: Client, service: string | undefined): Promise<string> {
  if (service === undefined) return client.keys.freeze;
  await requireSpec(client, service);
  return client.keys.serviceFreeze(service);
}
