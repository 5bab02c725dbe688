// Whether the store takes writes: an etcd that is full, or that no longer knows us, answers every read. Learnt from what
// becomes of the writes, and now and then from one that cannot succeed and so changes nothing.
import { StoreError, type StoreErrorCode } from './errors.ts';
import type { Store, Transaction } from './port.ts';

export interface WriteHealthOptions {
  readonly store: Store;
  /** One that this program may write. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Asked so often, and so often while writes are refused. */
  readonly everyMs?: number;
  readonly refusedEveryMs?: number;
}

export interface WriteHealth {
  /** The same store; what becomes of its writes is noticed. */
  readonly store: Store;
  /** Why writes are refused, and what to do; null while they are not. */
  trouble(): string | null;
  /** Called with `trouble()` whenever it comes or goes. */
  onChange(listener: (trouble: string | null) => void): void;
}

const EVERY_MS = 15_000;
const REFUSED_EVERY_MS = 2_000;
const NEVER = Number.MAX_SAFE_INTEGER;
/** All others are troubles of one transaction, or of the connection. */
const REFUSALS: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'store-full',
  'store-forbidden',
  'store-unauthenticated',
]);

/** Refused by its guard, unless etcd refuses all writes: it shows that without writing anything. */
export function draftProbe(key: string): Transaction {
  return { guards: [{ key, createRevision: NEVER }], puts: [{ key, value: '' }], deletes: [] };
}

/** Starts at once and goes on until the signal aborts. */
export function watchWrites(options: WriteHealthOptions): WriteHealth {
  const health = new Health(options);
  void health.run();
  return health;
}

class Health implements WriteHealth {
  readonly store: Store;
  readonly #options: WriteHealthOptions;
  readonly #listeners = new Set<(trouble: string | null) => void>();
  #trouble: string | null = null;

  constructor(options: WriteHealthOptions) {
    const { store } = options;
    this.#options = options;
    this.store = {
      list: (prefix) => store.list(prefix),
      page: (request) => store.page(request),
      get: (key) => store.get(key),
      watch: (prefix, fromRevision, listener) => store.watch(prefix, fromRevision, listener),
      // A full etcd still deletes.
      commit: (transaction) => this.#notice(store.commit(transaction), transaction.puts.length > 0),
      grantLease: (ttlMs) => this.#notice(store.grantLease(ttlMs), true),
      close: () => store.close(),
    };
  }

  trouble(): string | null {
    return this.#trouble;
  }

  onChange(listener: (trouble: string | null) => void): void {
    this.#listeners.add(listener);
  }

  async run(): Promise<void> {
    const { key, signal, everyMs = EVERY_MS, refusedEveryMs = REFUSED_EVERY_MS } = this.#options;
    while (!signal.aborted) {
      const waitMs = this.#trouble === null ? everyMs : refusedEveryMs;
      await pause(waitMs, signal);
      // Whatever else it throws is told by whoever follows the connection.
      if (!signal.aborted) await this.store.commit(draftProbe(key)).catch(() => undefined);
    }
  }

  async #notice<T>(write: Promise<T>, isProof: boolean): Promise<T> {
    try {
      const answer = await write;
      if (isProof) this.#turn(null);
      return answer;
    } catch (error) {
      if (error instanceof StoreError && REFUSALS.has(error.code)) this.#turn(error.message);
      throw error;
    }
  }

  #turn(trouble: string | null): void {
    const isNews = (trouble === null) !== (this.#trouble === null);
    this.#trouble = trouble;
    if (isNews) for (const listener of this.#listeners) listener(trouble);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
