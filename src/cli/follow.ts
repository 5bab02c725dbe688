// A copy of everything below one prefix, kept fresh: list, watch from there, list again when the watch is lost and on
// a timer. A watch is only a hint here: each list replaces the copy whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store/errors.ts';
import type { Change, Entry, Store } from '../store/port.ts';

const RELIST_MS = 15_000;
const RETRY_MS = 1000;

export interface Snapshot {
  /** By key. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly revision: number;
  /** Why the copy may be stale: the store is away. Null while it is fresh. */
  readonly trouble: string | null;
}

export async function readSnapshot(store: Store, prefix: string): Promise<Snapshot> {
  const { revision, entries } = await store.list(prefix);
  return { revision, entries: new Map(entries.map((entry) => [entry.key, entry])), trouble: null };
}

/** Yields at once, and after every change; changes that pile up meanwhile come as one. Ends when the signal aborts. */
export async function* followPrefix(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Snapshot> {
  let snapshot: Snapshot = { entries: new Map(), revision: 0, trouble: null };
  while (!signal.aborted) {
    try {
      for await (snapshot of followWatch(store, prefix, signal)) yield snapshot;
    } catch (error) {
      if (!(error instanceof StoreError) || error.disposition === 'invalid') throw error;
      if (error.disposition === 'bug' || error.disposition === 'cancelled') throw error;
      yield { ...snapshot, trouble: error.message };
      await rest(RETRY_MS, signal);
    }
  }
}

/** One list and its watch, until the watch is lost or due for a new list. */
async function* followWatch(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<Snapshot> {
  let snapshot = await readSnapshot(store, prefix);
  const bell = new Bell();
  let isOver = false;
  const end = () => {
    isOver = true;
    bell.ring();
  };
  const onChanges = (changes: readonly Change[], revision: number) => {
    snapshot = applyChanges(snapshot, changes, revision);
    bell.ring();
  };
  const watch = await store.watch(prefix, snapshot.revision + 1, { onChanges, onLost: end });
  const timer = setTimeout(end, RELIST_MS);
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!isOver && !signal.aborted) {
      yield snapshot;
      await bell.heard();
    }
    if (!signal.aborted) yield snapshot;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    watch.close();
  }
}

/** Changes that the copy has already seen are passed over: watches may repeat themselves. */
export function applyChanges(before: Snapshot, changes: readonly Change[], revision: number): Snapshot {
  const entries = new Map(before.entries);
  for (const change of changes) {
    if (change.modRevision <= before.revision) continue;
    if (change.kind === 'delete') entries.delete(change.key);
    else entries.set(change.key, change);
  }
  return { entries, revision: Math.max(before.revision, revision), trouble: null };
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
