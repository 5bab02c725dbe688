// A program's connection to the in-memory etcd: calls take time on their way, fail before or after their effect, and
// what the watch tells may come late. In order, always.
import { StoreError } from '../../../src/store/errors.ts';
import type { Lease, PageRequest, Store, Transaction, WatchListener } from '../../../src/store/port.ts';
import type { FakeEtcd, FakeStore } from '../../fakes/store.ts';
import type { Gate } from './gate.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface StoreFaults {
  /** So many next calls fail without effect. */
  failing: number;
  /** So many next commits land, and their answers are lost. */
  unheard: number;
  /** How much later the watch tells. */
  lagMs: number;
}

export class SimStoreClient implements Store {
  readonly faults: StoreFaults = { failing: 0, unheard: 0, lagMs: 0 };
  /** Between the effect of a commit and its answer. */
  afterCommit: (transaction: Transaction) => void = () => undefined;
  readonly #store: FakeStore;
  readonly #gate: Gate;
  readonly #time: VirtualTime;
  readonly #delayMs: number;

  constructor(etcd: FakeEtcd, gate: Gate, time: VirtualTime, delayMs: number) {
    this.#store = etcd.connect();
    this.#gate = gate;
    this.#time = time;
    this.#delayMs = delayMs;
  }

  /** Nothing reaches the store, and no lease is kept alive. */
  cutOff(isCutOff: boolean): void {
    if (isCutOff) this.#store.isolate();
    else this.#store.rejoin();
  }

  /** As a program that does not run: no lease is kept alive, but what was sent still lands. */
  freeze(isFrozen: boolean): void {
    this.#store.isolated = isFrozen;
  }

  list(prefix: string) {
    return this.#call(() => this.#store.list(prefix));
  }

  page(request: PageRequest) {
    return this.#call(() => this.#store.page(request));
  }

  get(key: string) {
    return this.#call(() => this.#store.get(key));
  }

  async watch(prefix: string, fromRevision: number, listener: WatchListener) {
    return await this.#call(() => this.#store.watch(prefix, fromRevision, this.#delay(listener)));
  }

  async commit(transaction: Transaction) {
    return await this.#call(async () => {
      const commit = await this.#store.commit(transaction);
      this.afterCommit(transaction);
      if (this.faults.unheard === 0) return commit;
      this.faults.unheard -= 1;
      throw new StoreError('store-timeout', 'no answer to the commit: it may have landed, read again');
    });
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    const lease = await this.#call(() => this.#store.grantLease(ttlMs));
    const { id, lost } = lease;
    return { id, ttlMs, lost, validUntil: lease.validUntil, revoke: () => this.#call(() => lease.revoke()) };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    await this.#gate.pass();
    await this.#time.sleep(this.#delayMs);
    await this.#gate.pass();
    if (this.faults.failing > 0) {
      this.faults.failing -= 1;
      throw new StoreError('store-unavailable', 'etcd is away: wait until it is back');
    }
    try {
      return await run();
    } finally {
      await this.#gate.pass();
    }
  }

  // Later ones wait for earlier ones, also when the lag has become shorter meanwhile.
  #delay(listener: WatchListener): WatchListener {
    let last = Promise.resolve();
    let tell = (run: () => void): void => {
      const dueAt = this.#time.now + this.faults.lagMs;
      const before = last;
      last = this.#inTurn(before, dueAt, run);
    };
    return {
      onChanges: (changes, revision) => tell(() => listener.onChanges(changes, revision)),
      onLost: (error) => {
        const finish = tell;
        tell = () => undefined;
        finish(() => listener.onLost(error));
      },
    };
  }

  async #inTurn(before: Promise<void>, dueAt: number, run: () => void): Promise<void> {
    await before;
    await this.#time.sleep(dueAt - this.#time.now);
    await this.#gate.pass();
    run();
  }
}
