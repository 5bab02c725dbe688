// What a worker process runs: one data plane that does as the primary says. Started by `worker` only; the one file here
// that acts when it is loaded.
import { Socket } from 'node:net';
import type { Acknowledgement } from '../control.ts';
import { AccessBatch } from './access-batch.ts';
import { LocalProxy } from './local.ts';
import { type FromWorker, isToWorker, type ToWorker } from './messages.ts';

let local: LocalProxy | null = null;
/** Of the table in force, or of the next one as far as it was told. */
let entries = new Map<string, unknown>();
/** Of connections that are counted by the primary. */
const ids = new WeakMap<Socket, number>();
const ended = new AccessBatch((records) => tell({ kind: 'access', records }));
const unanswered = new Map<number, (isAdmitted: boolean) => void>();

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

async function obey(message: ToWorker, handle: unknown): Promise<void> {
  switch (message.kind) {
    case 'start':
      await start(message);
      return;
    case 'entries':
      for (const [name, entry] of Object.entries(message.entries)) entries.set(name, entry);
      tell({ kind: 'noted', id: message.id });
      return;
    case 'apply':
      for (const name of message.gone) entries.delete(name);
      await local?.router.apply({ version: message.version, services: Object.fromEntries(entries) });
      tell({ kind: 'applied', id: message.id, acknowledgement: acknowledge() });
      return;
    case 'stats':
      if (local !== null) tell({ kind: 'stats', id: message.id, stats: local.stats() });
      return;
    case 'connection':
      tell({ kind: 'taken' });
      receive(handle, message);
      return;
    case 'admission':
      unanswered.get(message.id)?.(message.isAdmitted);
      unanswered.delete(message.id);
      return;
    case 'certificates':
      local?.useCertificates(message.certificates);
      return;
    case 'say-close':
      local?.sayClose();
      return;
    case 'drain':
      await local?.drain(message.patience);
      // Behind all that was told before.
      process.send?.({ kind: 'access', records: ended.take() } satisfies FromWorker, () => process.exit(0));
      return;
  }
}

function receive(handle: unknown, { id, isSecure }: Extract<ToWorker, { kind: 'connection' }>): void {
  const leave = (): void => {
    if (id !== null) tell({ kind: 'left', id });
  };
  if (!(handle instanceof Socket)) {
    leave();
    return;
  }
  if (id !== null) ids.set(handle, id);
  take(handle, isSecure).once('close', leave);
}

/** One that nobody counts is let in. */
function ask(socket: Socket, address: string, answer: (isAdmitted: boolean) => void): void {
  const id = ids.get(socket);
  if (id === undefined) {
    answer(true);
    return;
  }
  unanswered.set(id, answer);
  socket.once('close', () => unanswered.delete(id));
  tell({ kind: 'named', id, address });
}

/** As the server's own connections are: what is to be written still goes out when the client has ended its side. */
function take(socket: Socket, isSecure: boolean): Socket {
  socket.allowHalfOpen = true;
  return local === null ? socket.destroy() : local.take(socket, isSecure);
}

async function start({ options, update, certificates }: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
  const proxy = new LocalProxy(options, {
    onError: (error) => tell({ kind: 'problem', problem: describe(error) }),
    onAccess: (record) => ended.add(record),
    ask,
  });
  local = proxy;
  entries = new Map(Object.entries(update?.services ?? {}));
  proxy.useCertificates(certificates);
  if (update !== null) await proxy.router.apply(update);
  proxy.router.onChange(() => tell({ kind: 'changed', acknowledgement: acknowledge() }));
  tell({ kind: 'serving', acknowledgement: acknowledge() });
}

function acknowledge(): Acknowledgement {
  return local?.router.acknowledgement() ?? { applied: 0, busy: {}, refused: {} };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on('message', (message: unknown, handle: unknown) => {
  if (!isToWorker(message)) return;
  obey(message, handle).catch((error: unknown) =>
    tell({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) }),
  );
});
// A terminal's interrupt reaches every process of the group; when to stop or to hand over is for the primary to say.
for (const name of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const) process.on(name, () => undefined);
tell({ kind: 'ready' });
