// `slipway status`: all services as a table, or one in full; once, or again at every change.
import type { Command } from 'commander';
import { type Client, readServiceName, requireSpec, withClient } from './client.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import { followPrefix, readSnapshot, type Snapshot } from './follow.ts';
import type { Outside, Session } from './outside.ts';
import { paintFor } from './paint.ts';
import { describeView } from './progress.ts';
import { listServices, readService, type ServiceView } from './service.ts';
import { formatService, formatServices } from './status-table.ts';

interface Wanted {
  /** Undefined: all of them. */
  readonly service: string | undefined;
  readonly output: 'text' | 'json';
}

export function addStatus(program: Command, session: Session): void {
  const command = program
    .command('status')
    .summary('show how services are')
    .description(
      'A table of all services, or one service in full. With -o json: the status document, or a list of them; ' +
        'with --watch, one document per line and change.',
    )
    .argument('[service]', 'the service; without it, all of them', readServiceName)
    .option('--watch', 'show every change until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway status\n  slipway status web --watch\n  slipway status web -o json',
    );
  addOutput(command);
  addConnection(command).action(async (service: string | undefined, { watch }: { readonly watch?: true }) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    const wanted: Wanted = { service, output };
    session.exitCode = await withClient(session, command, (client) =>
      watch ? watchStatus(session, client, wanted) : showStatus(session, client, wanted),
    );
  });
}

function readViews({ keys }: Client, { service }: Wanted, snapshot: Snapshot): ServiceView[] {
  const names = service === undefined ? listServices(keys, snapshot) : [service];
  return names.map((name) => readService(keys, name, snapshot));
}

function prefixOf({ keys }: Client, { service }: Wanted): string {
  return service === undefined ? keys.services : keys.service(service);
}

async function showStatus(outside: Outside, client: Client, wanted: Wanted): Promise<ExitCode> {
  const views = readViews(client, wanted, await readSnapshot(client.store, prefixOf(client, wanted)));
  const [only] = views;
  if (wanted.service !== undefined && only?.status === null) await requireSpec(client, wanted.service);
  outside.out.write(
    wanted.output === 'json' ? formatJson(views, wanted) : `${formatText(outside, views, wanted)}\n`,
  );
  return EXIT.done;
}

function formatJson(views: readonly ServiceView[], { service }: Wanted): string {
  const documents = views.map(({ status }) => status);
  const value =
    service === undefined ? documents.filter((status) => status !== null) : (documents[0] ?? null);
  return `${JSON.stringify(value, null, 2)}\n`;
}

function formatText(outside: Outside, views: readonly ServiceView[], { service }: Wanted): string {
  const [paint, now] = [paintFor(outside, outside.out), outside.now()];
  if (service !== undefined) return views.map((view) => formatService(view, now, paint)).join('\n');
  if (views.length === 0) return 'no services; create one with `slipway apply -f FILE`';
  return formatServices(views, now, paint);
}

/** Redraws a terminal; in a pipe prints what changed, a line or a document each. */
async function watchStatus(outside: Outside, client: Client, wanted: Wanted): Promise<ExitCode> {
  if (wanted.service !== undefined) await requireSpec(client, wanted.service);
  const isRedrawn = outside.out.isTerminal && wanted.output === 'text';
  const shown = new Map<string, string>();
  for await (const snapshot of followPrefix(client.store, prefixOf(client, wanted), outside.signal)) {
    const views = readViews(client, wanted, snapshot);
    if (isRedrawn) {
      const trouble = snapshot.trouble === null ? '' : `\n${snapshot.trouble}`;
      outside.out.write(`\u001b[H\u001b[2J${formatText(outside, views, wanted)}${trouble}\n`);
    } else {
      for (const line of listChanges(views, wanted, shown)) outside.out.write(`${line}\n`);
    }
  }
  return EXIT.interrupted;
}

function listChanges(
  views: readonly ServiceView[],
  { output }: Wanted,
  shown: Map<string, string>,
): string[] {
  const lines: string[] = [];
  for (const view of views) {
    const line = output === 'json' ? JSON.stringify(view.status) : `${view.service}: ${describeView(view)}`;
    if (shown.get(view.service) === line || (output === 'json' && view.status === null)) continue;
    shown.set(view.service, line);
    lines.push(line);
  }
  for (const gone of [...shown.keys()].filter((name) => !views.some(({ service }) => service === name))) {
    shown.delete(gone);
    if (output === 'text') lines.push(`${gone}: gone`);
  }
  return lines;
}
