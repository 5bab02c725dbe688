// What a worker process runs: one data plane that does as the primary says. Started by `worker` only; the one file here
// that acts when it is loaded.
import type { Acknowledgement } from './control.ts';
import { LocalProxy } from './local.ts';
import { type FromWorker, isToWorker, type ToWorker } from './messages.ts';

let local: LocalProxy | null = null;
let listens = false;

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

async function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      await start(message);
      return;
    case 'apply':
      if (local !== null) await local.router.apply(message.update);
      tell({ kind: 'applied', id: message.id, acknowledgement: acknowledge() });
      return;
    case 'stats':
      if (local !== null) tell({ kind: 'stats', id: message.id, stats: local.stats() });
      return;
    case 'stop':
      // A server that is closed while it waits for its port from the primary fails on the answer.
      if (listens) await local?.stop(message.deadlineMs);
      process.exit(0);
  }
}

async function start({ options, update }: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
  const proxy = new LocalProxy(options, (error) => tell({ kind: 'problem', problem: describe(error) }));
  local = proxy;
  if (update !== null) await proxy.router.apply(update);
  proxy.router.onChange(() => tell({ kind: 'changed', acknowledgement: acknowledge() }));
  const address = await proxy.listen();
  listens = true;
  tell({ kind: 'listening', address, acknowledgement: acknowledge() });
}

function acknowledge(): Acknowledgement {
  return local?.router.acknowledgement() ?? { applied: 0, busy: {}, refused: {} };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on('message', (message: unknown) => {
  if (!isToWorker(message)) return;
  obey(message).catch((error: unknown) =>
    tell({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) }),
  );
});
// A terminal's interrupt reaches every process of the group; when to stop is for the primary to say.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
tell({ kind: 'ready' });
