// Snapshots of everything below one prefix: one, or one after every change. Says when a snapshot may be stale; gives up
// only where waiting cannot help (refused, unauthenticated).
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store/errors.ts';
import { startMirror } from '../store/mirror.ts';
import type { Entry, Store } from '../store/port.ts';

const RELIST_MS = 15_000;

export interface Snapshot {
  /** By key. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly revision: number;
  /** Why the copy may be stale: the store is away. Null while it is fresh. */
  readonly trouble: string | null;
}

export async function readSnapshot(store: Store, prefix: string): Promise<Snapshot> {
  const { revision, entries } = await store.list(prefix);
  return { revision, entries: mapEntries(entries), trouble: null };
}

/** Yields after every change; changes that pile up meanwhile come as one. Ends when the signal aborts. */
export async function* followPrefix(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Snapshot> {
  const end = new AbortController();
  const bell = new Bell();
  let trouble: StoreError | null = null;
  const mirror = startMirror({
    store,
    prefix,
    signal: AbortSignal.any([signal, end.signal]),
    resyncMs: RELIST_MS,
    onTrouble: (error) => {
      trouble = toStoreError(error);
      bell.ring();
    },
  });
  mirror.onChange(() => bell.ring());
  mirror.onConnection((isConnected) => {
    if (isConnected) trouble = null;
    bell.ring();
  });
  const endBell = () => bell.ring();
  signal.addEventListener('abort', endBell, { once: true });
  try {
    for (; !signal.aborted; await bell.heard()) {
      const known: StoreError | null = trouble;
      if (known !== null && isHopeless(known)) throw known;
      if (mirror.revision === 0 && known === null) continue;
      yield { entries: mapEntries(mirror.entries()), revision: mirror.revision, trouble: messageOf(known) };
    }
  } finally {
    signal.removeEventListener('abort', endBell);
    end.abort();
  }
}

function mapEntries(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  return new Map(entries.map((entry) => [entry.key, entry]));
}

function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('store-broken', `the store: ${String(error)}`, error);
}

function isHopeless({ disposition }: StoreError): boolean {
  return disposition === 'invalid' || disposition === 'bug' || disposition === 'cancelled';
}

function messageOf(error: StoreError | null): string | null {
  return error === null ? null : error.message;
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Wakes one waiter; a ring before anyone waits is kept. */
class Bell {
  #isRung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  async heard(): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isRung = false;
    this.#wake = null;
  }
}
