// `slipway freeze` and `unfreeze`: stop the line, for one service or for all.
import type { Command } from 'commander';
import { type Client, readServiceName, requireSpec, withClient, writeKey } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection } from './flags.ts';
import type { Session } from './outside.ts';

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
  addConnection(command).action(
    async (service: string | undefined, { reason }: { readonly reason: string }) => {
      if (reason.trim() === '')
        throw new CommandFailure(EXIT.invalid, '--reason: found nothing, expected a text');
      await withClient(session, command, async (client) => {
        const key = await findFreezeKey(client, service);
        await writeKey(client.store, key, reason);
        session.out.write(`${service ?? 'all services'}: frozen (${reason})\n`);
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
  addConnection(command).action(async (service: string | undefined) => {
    await withClient(session, command, async (client) => {
      const key = await findFreezeKey(client, service);
      const subject = service ?? 'all services';
      if ((await client.store.get(key)) === null) {
        session.out.write(`${subject}: not frozen\n`);
        return;
      }
      await client.store.commit({ guards: [], puts: [], deletes: [key] });
      session.out.write(`${subject}: no longer frozen\n`);
    });
  });
}

async function findFreezeKey(client: Client, service: string | undefined): Promise<string> {
  if (service === undefined) return client.keys.freeze;
  await requireSpec(client, service);
  return client.keys.serviceFreeze(service);
}
