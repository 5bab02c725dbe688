// `slipway rm`: deletes a service's spec, which makes the controller drain, stop and remove it.
import type { Command } from 'commander';
import { awaitView } from './answer.ts';
import { type Client, readServiceName, requireSpec, withClient } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addSettings, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { printSaid } from './print.ts';

export function addRm(program: Command, session: Session): void {
  const command = program
    .command('rm')
    .summary('retire a service')
    .description(
      'Deletes the spec. The controller drains, stops and removes the containers and takes the routes away.',
    )
    .argument('<service>', 'the service', readServiceName)
    .option('--wait', 'wait until it has been retired')
    .addHelpText('after', '\nExample:\n  slipway rm web --wait');
  addSettings(command, ['timeout', 'output'], 'Options:');
  addConnection(command).action(async (service: string, { wait }: { readonly wait?: true }) => {
    const { timeout, output } = readCommandSettings(command, ['timeout', 'output'], session.env);
    await withClient(session, command, async (client) => {
      const { modRevision } = await requireSpec(client, service);
      const key = client.keys.spec(service);
      const commit = await client.store.commit({ guards: [{ key, modRevision }], puts: [], deletes: [key] });
      if (!commit.ok)
        throw new CommandFailure(EXIT.failed, `${service}: its spec changed meanwhile; look, and try again`);
      if (wait) await awaitRetired(session, client, service, timeout);
      printSaid(session, output, {
        text: `${service}: ${wait ? 'retired' : 'is being retired'}`,
        document: { service, result: wait ? 'retired' : 'retiring' },
      });
    });
  });
}

/** The controller deletes the status last. */
async function awaitRetired(
  session: Session,
  client: Client,
  service: string,
  timeoutMs: number,
): Promise<void> {
  const view = await awaitView(
    session,
    client,
    service,
    timeoutMs,
    ({ spec, status }) => spec !== null || status === null,
  );
  if (view?.spec) throw new CommandFailure(EXIT.superseded, `${service}: a new spec was written meanwhile`);
  if (view !== null) return;
  const exit = session.signal.aborted ? EXIT.interrupted : EXIT.timedOut;
  throw new CommandFailure(
    exit,
    `${service}: not retired yet; it goes on. See \`slipway status ${service}\`.`,
  );
}
