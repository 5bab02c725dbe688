// The port to the store: flat keys, revisions, leases, compare-and-set. `etcd` implements it; `test/fakes` does in memory.
// Revisions are etcd's: one counter for the whole store. Every call has a deadline and throws only `StoreError`.

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface PageRequest {
  readonly prefix: string;
  /** The first key; null for the first of the prefix. */
  readonly from: string | null;
  /** Null: as it stands now. */
  readonly revision: number | null;
  readonly limit: number;
}

/** A part of what stands below a prefix, as it was at one revision. */
export interface Page {
  readonly revision: number;
  readonly entries: readonly (Entry & { readonly isLeased: boolean })[];
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
}

export interface Change {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** Zero means: the key must not exist. */
export type Guard =
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly createRevision: number };

export interface Transaction {
  readonly guards: readonly Guard[];
  readonly puts: readonly { readonly key: string; readonly value: string; readonly lease?: Lease }[];
  readonly deletes: readonly string[];
}

export type Commit = { readonly ok: true; readonly revision: number } | { readonly ok: false };

export interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /** On the monotonic clock (`performance.now()`): past it, assume that the lease has gone. Moves with every acknowledged keep-alive. */
  readonly validUntil: () => number;
  /** Aborts when the lease is known, or must be assumed, to be lost. */
  readonly lost: AbortSignal;
  revoke(): Promise<void>;
}

export interface WatchListener {
  /** All changes of one etcd revision or more, in order. */
  onChanges(changes: readonly Change[], revision: number): void;
  /** The watch has ended for good (cut, compacted, refused): list again and make a new one. */
  onLost(error: Error): void;
}

export interface Store {
  list(prefix: string): Promise<{ readonly revision: number; readonly entries: readonly Entry[] }>;
  /** For what may be too much for one answer: the first page names the revision that the others ask for. */
  page(request: PageRequest): Promise<Page>;
  get(key: string): Promise<Entry | null>;
  /** Everything under the prefix from `fromRevision` on. */
  watch(prefix: string, fromRevision: number, listener: WatchListener): Promise<{ close(): void }>;
  commit(transaction: Transaction): Promise<Commit>;
  grantLease(ttlMs: number): Promise<Lease>;
  close(): Promise<void>;
}
