// A working etcd in memory: revisions, transactions, leases, watches with history and compaction, and fault switches.
// No timers of its own: time is `now`, so it runs in virtual time; whoever moves the clock calls `checkLeases`.
// Not for: durability, authentication, ranges other than prefixes.
import { StoreError } from '../../src/store/errors.ts';
import type {
  Commit,
  Entry,
  Guard,
  Page,
  PageRequest,
  Transaction,
  WatchListener,
} from '../../src/store/port.ts';
import { type FakeLeaseRecord, FakeStore } from './store-client.ts';
import { FakeWatches } from './store-watches.ts';

export { FakeStore };

export interface FakeEtcdOptions {
  /** Monotonic milliseconds; `performance.now` by default. */
  readonly now?: () => number;
}

export class FakeEtcd {
  readonly now: () => number;
  revision = 1;
  /** True while nobody can reach it. */
  down = false;
  /** So many next commits land, and their answers are lost. */
  lostReplies = 0;
  /** So many next watches open well and then never tell anything. */
  deafWatches = 0;
  /** Runs before every call of every client; may wait, or throw to make that call fail. */
  intercept: ((call: string, client: FakeStore) => void | Promise<void>) | null = null;
  /** How many calls of each name were made: for "no range reads in steady state". */
  readonly calls = new Map<string, number>();
  #leaseCount = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #leaseOf = new Map<string, string>();
  readonly #leases = new Map<string, FakeLeaseRecord>();
  /** What the owners still believe to hold: a lease may be gone for long before its owner hears of it. */
  readonly #held = new Set<FakeLeaseRecord>();
  readonly #watches = new FakeWatches();
  /** By revision: what stood when a first page was taken then. */
  readonly #pages = new Map<number, Page['entries']>();

  constructor(options: FakeEtcdOptions = {}) {
    this.now = options.now ?? (() => performance.now());
  }

  /** A client with connections of its own; several see the same keys. */
  connect(): FakeStore {
    return new FakeStore(this);
  }

  // What a test or an operator does by hand, at once.

  put(key: string, value: string, leaseId?: string): number {
    this.#put(key, value, leaseId, this.revision + 1);
    return this.#finish(this.revision + 1);
  }

  delete(key: string): number {
    return this.#delete(key, this.revision + 1) ? this.#finish(this.revision + 1) : this.revision;
  }

  get(key: string): Entry | null {
    return this.#entries.get(key) ?? null;
  }

  value(key: string): string | null {
    return this.#entries.get(key)?.value ?? null;
  }

  entries(prefix = ''): readonly Entry[] {
    const found = [...this.#entries.values()].filter((entry) => entry.key.startsWith(prefix));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** An older revision can be read when a first page was taken at it, and it is not compacted. */
  page({ prefix, from, revision, limit }: PageRequest): Page {
    const at = revision ?? this.revision;
    if (at === this.revision) {
      const all = this.entries().map((entry) => ({ ...entry, isLeased: this.#leaseOf.has(entry.key) }));
      this.#pages.set(at, all);
    }
    const stood = this.#pages.get(at);
    if (stood === undefined)
      throw new StoreError('store-compacted', `revision ${at} is compacted: list again`);
    const left = stood.filter(({ key }) => key.startsWith(prefix) && key >= (from ?? ''));
    return { revision: at, entries: left.slice(0, limit), next: left[limit]?.key ?? null };
  }

  transact({ guards, puts, deletes }: Transaction): Commit {
    for (const { lease } of puts) {
      if (lease && !this.#leases.has(lease.id)) {
        throw new StoreError('store-lease-lost', `lease ${lease.id} does not exist: grant a new one`);
      }
    }
    if (!guards.every((guard) => this.#holds(guard))) return { ok: false };
    const next = this.revision + 1;
    for (const { key, value, lease } of puts) this.#put(key, value, lease?.id, next);
    const deleted = deletes.filter((key) => this.#delete(key, next)).length;
    return { ok: true, revision: puts.length + deleted > 0 ? this.#finish(next) : this.revision };
  }

  // Fault switches.

  goDown(): void {
    this.#renewLeases();
    this.down = true;
    this.cutWatches();
  }

  /** As after a restart with the same data: every lease starts its term anew; after a freeze what is overdue goes. */
  comeUp(after: 'restart' | 'freeze' = 'restart'): void {
    this.down = false;
    for (const lease of [...this.#leases.values()]) {
      if (after === 'restart') lease.renewedAt = this.now();
      else if (this.now() >= lease.renewedAt + lease.ttlMs) this.expireLease(lease.id);
    }
  }

  /** Ends every watch, or those of one client. */
  cutWatches(owner?: FakeStore): void {
    this.#watches.cut(owner);
  }

  /** Forgets the history below a revision (by default all of it). Running watches do not notice, as in etcd. */
  compact(revision = this.revision): void {
    this.#watches.compact(revision);
    for (const at of this.#pages.keys()) if (at < revision) this.#pages.delete(at);
  }

  /** Sends the last changes a second time to every watch, as Debian's etcd 3.4 may. */
  repeatLastChanges(count: number): void {
    this.#watches.repeat(count);
  }

  // Leases. `expireLease` is the server's verdict: the keys go, and the owner hears of it if it can.

  leaseIds(): readonly string[] {
    return [...this.#leases.keys()];
  }

  expireLease(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    const keys = [...this.#leaseOf].filter(([, holder]) => holder === id).map(([key]) => key);
    const next = this.revision + 1;
    if (keys.filter((key) => this.#delete(key, next)).length > 0) this.#finish(next);
    if (this.#isReached(lease)) lease.lose(`lease ${id} was revoked or has expired`);
  }

  /** Applies the passing of time: unreachable owners lose their leases, unrenewed leases lose their keys. */
  checkLeases(): void {
    this.#renewLeases();
    for (const lease of [...this.#leases.values()]) {
      if (!this.down && this.now() >= lease.renewedAt + lease.ttlMs) this.expireLease(lease.id);
    }
    for (const lease of this.#held) {
      if (!this.#leases.has(lease.id) && this.#isReached(lease)) lease.lose(`lease ${lease.id} has gone`);
      if (this.now() >= lease.validUntil()) lease.lose(`lease ${lease.id} was not renewed in time`);
    }
  }

  // For the clients.

  grantLease(owner: FakeStore, ttlMs: number): FakeLeaseRecord {
    this.#leaseCount += 1;
    const abort = new AbortController();
    const id = String(this.#leaseCount);
    const record: FakeLeaseRecord = {
      id,
      ttlMs,
      owner,
      renewedAt: this.now(),
      heardAt: this.now(),
      lost: abort.signal,
      validUntil: () => record.heardAt + ttlMs,
      lose: (reason) => {
        this.#held.delete(record);
        abort.abort(new StoreError('store-lease-lost', reason));
      },
    };
    this.#leases.set(id, record);
    this.#held.add(record);
    return record;
  }

  renew(lease: FakeLeaseRecord): void {
    if (this.#isReached(lease) && this.#leases.has(lease.id) && !lease.lost.aborted) {
      lease.renewedAt = this.now();
      lease.heardAt = lease.renewedAt;
    }
  }

  addWatch(owner: FakeStore, prefix: string, fromRevision: number, listener: WatchListener): () => void {
    if (this.deafWatches > 0) {
      this.deafWatches -= 1;
      return () => undefined;
    }
    return this.#watches.add(owner, prefix, fromRevision, listener);
  }

  #isReached(lease: FakeLeaseRecord): boolean {
    return !this.down && !lease.owner.isolated && !lease.owner.closed;
  }

  #renewLeases(): void {
    for (const lease of this.#leases.values()) this.renew(lease);
  }

  #holds(guard: Guard): boolean {
    const entry = this.#entries.get(guard.key);
    return 'modRevision' in guard
      ? (entry?.modRevision ?? 0) === guard.modRevision
      : (entry?.createRevision ?? 0) === guard.createRevision;
  }

  #put(key: string, value: string, leaseId: string | undefined, modRevision: number): void {
    const createRevision = this.#entries.get(key)?.createRevision ?? modRevision;
    const entry = { key, value, createRevision, modRevision };
    this.#entries.set(key, entry);
    if (leaseId === undefined) this.#leaseOf.delete(key);
    else this.#leaseOf.set(key, leaseId);
    this.#watches.publish({ kind: 'put', ...entry });
  }

  #delete(key: string, modRevision: number): boolean {
    if (!this.#entries.delete(key)) return false;
    this.#leaseOf.delete(key);
    this.#watches.publish({ kind: 'delete', key, value: '', createRevision: 0, modRevision });
    return true;
  }

  #finish(revision: number): number {
    this.revision = revision;
    return revision;
  }
}
