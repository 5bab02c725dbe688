// Who leads: campaigns for the leader key under a lease of its own, and tells everyone else here whether, and until
// when, this program may act. Does nothing with the leadership itself.
//
// INVARIANTS
// - a term is one creation of the key: its create revision guards every write of the leader, so that a deposed one
//   writes nothing, whatever it still believes
// - past the lease's `validUntil` there is no leadership, even if nobody has told us yet
// - a term that was lost never comes back; the next one is a new term
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store/errors.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Guard, Lease, Store } from '../store/port.ts';

export interface LeaderOptions {
  readonly store: Store;
  /** Of a prefix that holds the leader key. */
  readonly mirror: Mirror;
  readonly key: string;
  /** Written to the key, as JSON: says who leads. `id` is unique to this run of the program. */
  readonly holder: Readonly<Record<string, string | number>> & { readonly id: string };
  /** 10 s by default; etcd takes whole seconds, and 2 at least. */
  readonly ttlMs?: number;
  /** Resigns when it aborts. */
  readonly signal: AbortSignal;
  readonly onTrouble?: (error: unknown) => void;
  /** Monotonic, as `performance.now`; with `pause`, for virtual time. */
  readonly now?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** One uninterrupted leadership. */
export interface Term {
  readonly guard: Guard;
  /** Aborts when the leadership has gone, or must be assumed to have. */
  readonly lost: AbortSignal;
  readonly validUntil: () => number;
}

export interface Leader {
  isLeader(): boolean;
  /** The term in force, or null. */
  term(): Term | null;
  /** To be put into every write; throws `store-not-leading` when there is no leadership. */
  guard(): Guard;
  /** To act under the term in force: false from its end on, for ever, also when a new term has begun by then. */
  permit(): () => boolean;
  /** On the monotonic clock; 0 when not leading. */
  validUntil(): number;
  /** Called when a term begins (with it) and when it has ended (with null). */
  onChange(listener: (term: Term | null) => void): () => void;
  /** Resolves when the campaign has ended, after the signal, and the key has been given back. */
  readonly ended: Promise<void>;
}

const DEFAULT_TTL_MS = 10_000;
const RETRY_MS = 500;

/** Starts to campaign at once. */
export function campaign(options: LeaderOptions): Leader {
  return new Campaign(options);
}

class Campaign implements Leader {
  readonly ended: Promise<void>;
  readonly #options: LeaderOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<(term: Term | null) => void>();
  #term: Term | null = null;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.ended = this.#run();
  }

  isLeader(): boolean {
    return this.term() !== null;
  }

  term(): Term | null {
    const term = this.#term;
    return term && !term.lost.aborted && this.#now() < term.validUntil() ? term : null;
  }

  guard(): Guard {
    const term = this.term();
    if (!term)
      throw new StoreError('store-not-leading', 'this controller does not lead: leave it to the leader');
    return term.guard;
  }

  permit(): () => boolean {
    const term = this.term();
    return () => term !== null && this.term() === term;
  }

  validUntil(): number {
    return this.term()?.validUntil() ?? 0;
  }

  onChange(listener: (term: Term | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #run(): Promise<void> {
    const { signal, onTrouble } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#untilVacant();
        // A copy of the store that is behind shows it vacant still: it is not asked again at once.
        if (!signal.aborted && !(await this.#stand())) await this.#rest();
      } catch (error) {
        onTrouble?.(error);
        await this.#rest();
      }
    }
  }

  async #rest(): Promise<void> {
    const { signal, pause = wait } = this.#options;
    await pause(RETRY_MS * (0.5 + Math.random() / 2), signal);
  }

  /** One attempt, and the term if it is won; false when it was lost. */
  async #stand(): Promise<boolean> {
    const { store, key, holder, ttlMs = DEFAULT_TTL_MS } = this.#options;
    const lease = await store.grantLease(ttlMs);
    try {
      const puts = [{ key, value: JSON.stringify(holder), lease }];
      const won = await store.commit({ guards: [{ key, createRevision: 0 }], puts, deletes: [] });
      if (won.ok) await this.#serve(lease, won.revision);
      return won.ok;
    } finally {
      await this.#giveBack(lease);
    }
  }

  /** Returns when the term is over: lease lost, key gone or taken, or told to stop. */
  async #serve(lease: Lease, createRevision: number): Promise<void> {
    const { key, signal, mirror } = this.#options;
    const deposed = new AbortController();
    const lost = AbortSignal.any([lease.lost, signal, deposed.signal]);
    const check = (): void => {
      // A copy that is older than the term knows nothing of it.
      if (mirror.revision < createRevision || mirror.get(key)?.createRevision === createRevision) return;
      deposed.abort(new StoreError('store-not-leading', `${key} is no longer ours`));
    };
    const stopWatching = mirror.onChange(check);
    this.#announce({ guard: { key, createRevision }, lost, validUntil: lease.validUntil });
    check();
    await aborted(lost);
    stopWatching();
    this.#announce(null);
  }

  #announce(term: Term | null): void {
    this.#term = term;
    for (const listener of this.#listeners) listener(term);
  }

  /** At once and not after its term: the next leader waits for it. An etcd that is away lets it expire. */
  async #giveBack(lease: Lease): Promise<void> {
    if (lease.lost.aborted) return;
    await lease.revoke().catch((error: unknown) => this.#options.onTrouble?.(error));
  }

  async #untilVacant(): Promise<void> {
    const { key, mirror, signal } = this.#options;
    const vacant = new AbortController();
    const check = (): void => {
      if (mirror.connected && mirror.get(key) === null) vacant.abort();
    };
    const stops = [mirror.onChange(check), mirror.onConnection(check)];
    check();
    await aborted(AbortSignal.any([vacant.signal, signal]));
    for (const stop of stops) stop();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
