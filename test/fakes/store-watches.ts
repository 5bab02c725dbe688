// The history of the in-memory etcd and everyone who watches it: replay, delivery in order, compaction, cuts.
import { StoreError } from '../../src/store/errors.ts';
import type { Change, WatchListener } from '../../src/store/port.ts';

interface Watch {
  readonly prefix: string;
  readonly owner: unknown;
  readonly listener: WatchListener;
  readonly pending: Change[];
  closed: boolean;
}

export class FakeWatches {
  #compacted = 0;
  #log: Change[] = [];
  readonly #watches = new Set<Watch>();

  publish(change: Change): void {
    this.#log.push(change);
    this.#offerAll(change);
  }

  /** Sends the last changes a second time to every watch. */
  repeat(count: number): void {
    for (const change of this.#log.slice(-count)) this.#offerAll(change);
  }

  compact(revision: number): void {
    this.#compacted = revision;
    this.#log = this.#log.filter((change) => change.modRevision >= revision);
  }

  add(owner: unknown, prefix: string, fromRevision: number, listener: WatchListener): () => void {
    const watch: Watch = { prefix, owner, listener, pending: [], closed: false };
    this.#watches.add(watch);
    if (fromRevision < this.#compacted) {
      this.#lose(
        watch,
        new StoreError('store-compacted', `revision ${fromRevision} is compacted: list again`),
      );
    }
    for (const change of this.#log.filter((each) => each.modRevision >= fromRevision)) offer(watch, change);
    return () => {
      watch.closed = true;
      this.#watches.delete(watch);
    };
  }

  cut(owner?: unknown): void {
    for (const watch of [...this.#watches].filter((each) => owner === undefined || each.owner === owner)) {
      this.#lose(watch, new StoreError('store-watch-lost', 'the watch was cut: list again'));
    }
  }

  #offerAll(change: Change): void {
    for (const watch of this.#watches) offer(watch, change);
  }

  #lose(watch: Watch, error: StoreError): void {
    this.#watches.delete(watch);
    queueMicrotask(() => {
      if (!watch.closed) watch.listener.onLost(error);
      watch.closed = true;
    });
  }
}

function offer(watch: Watch, change: Change): void {
  if (!change.key.startsWith(watch.prefix)) return;
  watch.pending.push(change);
  if (watch.pending.length > 1) return;
  queueMicrotask(() => {
    const changes = watch.pending.splice(0);
    const last = changes.at(-1);
    if (last && !watch.closed) watch.listener.onChanges(changes, last.modRevision);
  });
}
