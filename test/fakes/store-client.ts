// One client of the in-memory etcd: the `Store` port with calls that take a turn, and switches that cut it off alone.
import { StoreError } from '../../src/store/errors.ts';
import type {
  Commit,
  Entry,
  Lease,
  Page,
  PageRequest,
  Store,
  Transaction,
  WatchListener,
} from '../../src/store/port.ts';
import type { FakeEtcd } from './store.ts';

/** `renewedAt` is the server's view (a restart renews too), `heardAt` the owner's: its last acknowledged keep-alive. */
export interface FakeLeaseRecord {
  readonly id: string;
  readonly ttlMs: number;
  readonly owner: FakeStore;
  renewedAt: number;
  heardAt: number;
  readonly validUntil: () => number;
  readonly lost: AbortSignal;
  readonly lose: (reason: string) => void;
}

export class FakeStore implements Store {
  /** True while this client alone cannot reach the store. */
  isolated = false;
  closed = false;
  readonly #etcd: FakeEtcd;

  constructor(etcd: FakeEtcd) {
    this.#etcd = etcd;
  }

  isolate(): void {
    this.#etcd.checkLeases();
    this.isolated = true;
    this.#etcd.cutWatches(this);
  }

  rejoin(): void {
    this.isolated = false;
  }

  async list(prefix: string): Promise<{ readonly revision: number; readonly entries: readonly Entry[] }> {
    await this.#call('list');
    return { revision: this.#etcd.revision, entries: this.#etcd.entries(prefix) };
  }

  async page(request: PageRequest): Promise<Page> {
    await this.#call('page');
    return this.#etcd.page(request);
  }

  async get(key: string): Promise<Entry | null> {
    await this.#call('get');
    return this.#etcd.get(key);
  }

  async watch(prefix: string, fromRevision: number, listener: WatchListener): Promise<{ close(): void }> {
    await this.#call('watch');
    return { close: this.#etcd.addWatch(this, prefix, fromRevision, listener) };
  }

  async commit(transaction: Transaction): Promise<Commit> {
    await this.#call('commit');
    checkTransaction(transaction);
    const commit = this.#etcd.transact(transaction);
    if (this.#etcd.lostReplies > 0) {
      this.#etcd.lostReplies -= 1;
      throw new StoreError('store-timeout', 'no answer to the commit: it may have landed, read again');
    }
    return commit;
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    await this.#call('grantLease');
    const record = this.#etcd.grantLease(this, ttlMs);
    return {
      id: record.id,
      ttlMs,
      lost: record.lost,
      validUntil: () => {
        this.#etcd.renew(record);
        return record.validUntil();
      },
      revoke: async () => {
        record.lose(`lease ${record.id} was given back`);
        await this.#call('revoke');
        this.#etcd.expireLease(record.id);
      },
    };
  }

  async close(): Promise<void> {
    this.#etcd.cutWatches(this);
    this.closed = true;
  }

  async #call(name: string): Promise<void> {
    this.#etcd.calls.set(name, (this.#etcd.calls.get(name) ?? 0) + 1);
    await this.#etcd.intercept?.(name, this);
    await Promise.resolve();
    if (this.closed) throw new StoreError('store-closed', 'the store client is closed');
    if (this.#etcd.down || this.isolated) {
      throw new StoreError('store-unavailable', `etcd is away (${name}): wait until it is back`);
    }
    this.#etcd.checkLeases();
  }
}

/** As etcd has it where nobody says otherwise. */
const MOST_OPERATIONS = 128;

function checkTransaction({ guards, puts, deletes }: Transaction): void {
  const keys = [...puts.map(({ key }) => key), ...deletes];
  if (Math.max(keys.length, guards.length) > MOST_OPERATIONS) {
    throw new StoreError('store-refused', 'etcd refuses a transaction of too many operations: split it');
  }
  if (new Set(keys).size < keys.length) {
    throw new StoreError('store-refused', 'etcd refuses a transaction that names a key twice: name it once');
  }
}
