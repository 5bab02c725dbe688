// `slipway explain`: in prose, what a service is doing or why it is not moving, and what can be done.
import type { Command } from 'commander';
import { StoreError } from '../store/errors.ts';
import { draftProbe } from '../store/write-health.ts';
import { type Client, orWhenForbidden, readServiceName, requireSpec, withClient } from './client.ts';
import { explainService, type Surroundings } from './explanation.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import { readSnapshot } from './follow.ts';
import type { Session } from './outside.ts';
import { readService } from './service.ts';

export function addExplain(program: Command, session: Session): void {
  const command = program
    .command('explain')
    .summary('say why a service is not moving')
    .description(
      'What a service is doing or why it is not moving, since when, what comes next, the evidence, and what you can do.',
    )
    .argument('<service>', 'the service', readServiceName)
    .addHelpText('after', '\nExample:\n  slipway explain web');
  addOutput(command);
  addConnection(command).action(async (service: string) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    await withClient(session, command, async (client) => {
      const view = readService(
        client.keys,
        service,
        await readSnapshot(client.store, client.keys.service(service)),
      );
      if (view.status === null) await requireSpec(client, service);
      const surroundings = await lookAround(client, service);
      const paragraphs = explainService(view, surroundings, session.now());
      const document = { service, status: view.status, paragraphs };
      session.out.write(
        output === 'json' ? `${JSON.stringify(document, null, 2)}\n` : `${paragraphs.join('\n\n')}\n`,
      );
    });
  });
}

/** Whoever may read only one service's keys gets its explanation without the rest. */
async function lookAround({ store, keys }: Client, service: string): Promise<Surroundings> {
  const read = (key: string) =>
    orWhenForbidden({ isReadable: false, value: null }, async () => ({
      isReadable: true,
      value: (await store.get(key))?.value.trim() ?? null,
    }));
  const [leader, freeze, storeTrouble] = await Promise.all([
    read(keys.leader),
    read(keys.freeze),
    tryToWrite(store, keys.command(service)),
  ]);
  const hasLeader = leader.isReadable ? leader.value !== null : null;
  return { hasLeader, freezeAll: freeze.value, storeTrouble };
}

/** Changes nothing. Whoever may not write there learns nothing. */
async function tryToWrite(store: Client['store'], key: string): Promise<string | null> {
  try {
    await store.commit(draftProbe(key));
    return null;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return error.code === 'store-full' ? error.message : null;
  }
}
