// A proxy's key under a lease: that it lives, what it has applied, which retired targets are still busy. Rollouts wait
// for these words, so a change goes out at once: one put in flight, and the next one right behind it.
//
// INVARIANTS
// - one put at a time; what it carries is what holds when it is sent
// - whatever failed, the latest state is put again, under a new lease if the old one has gone
import { setTimeout as sleep } from 'node:timers/promises';
import type { Acknowledgement } from '../../proxy/control.ts';
import { StoreError } from '../store/errors.ts';
import type { Lease, Store } from '../store/port.ts';

export interface ProxyRegistration {
  readonly id: string;
  /** Of its program; a proxy that says none knows no hand-over. */
  readonly version: string;
  readonly addresses: { readonly http: string; readonly https?: string; readonly admin: string };
  readonly applied: number;
  readonly busy: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, string>>;
  /** RFC 3339, UTC. */
  readonly started: string;
  /** Its last word: the key goes because the proxy does, and not because a lease has expired. */
  readonly leaving?: true;
}

export interface RegistrationOptions {
  readonly store: Store;
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly addresses: ProxyRegistration['addresses'];
  readonly acknowledgement: () => Acknowledgement;
  readonly ttlMs: number;
  /** Gives the key back when it aborts. */
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown, streak: number) => void;
}

export interface Registration {
  /** The acknowledgement has changed. */
  refresh(): void;
  /** Resolves after the first put has landed, or when the signal aborts. */
  readonly registered: Promise<void>;
  /** Resolves when the key has been given back. */
  readonly ended: Promise<void>;
}

/** Against a key that somebody deleted by hand: the lease lives on, and nothing would tell us. */
const REPEAT_MS = 30_000;
const RETRY_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Registers at once and keeps it up until the signal aborts. */
export function register(options: RegistrationOptions): Registration {
  return new Registrar(options);
}

class Registrar implements Registration {
  readonly registered: Promise<void>;
  readonly ended: Promise<void>;
  readonly #options: RegistrationOptions;
  readonly #started = new Date().toISOString();
  readonly #first = Promise.withResolvers<void>();
  #lease: Lease | null = null;
  #written: string | null = null;
  #wake: () => void = () => undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.registered = this.#first.promise;
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
    this.ended = this.#run();
  }

  refresh(): void {
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal, onTrouble } = this.#options;
    for (let streak = 0; !signal.aborted; ) {
      try {
        await this.#put();
        streak = 0;
        if (this.#describe() === this.#written && !this.#lease?.lost.aborted) await this.#untilWoken();
      } catch (error) {
        streak += 1;
        onTrouble(error, streak);
        if (error instanceof StoreError && error.code === 'store-lease-lost') await this.#giveBack();
        const waitMs = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(streak - 1, 10));
        await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
    this.#first.resolve();
    await this.#leave();
    await this.#giveBack();
  }

  // A controller waits a while for a key that goes without this word: the proxy might still serve.
  async #leave(): Promise<void> {
    const { store, key, onTrouble } = this.#options;
    const lease = this.#lease;
    if (!lease || lease.lost.aborted) return;
    const value = JSON.stringify({ ...this.#read(), leaving: true } satisfies ProxyRegistration);
    const put = { guards: [], puts: [{ key, value, lease }], deletes: [] };
    await store.commit(put).catch((error: unknown) => onTrouble(error, 1));
  }

  async #put(): Promise<void> {
    const { store, key } = this.#options;
    const lease = await this.#holdLease();
    const value = this.#describe();
    await store.commit({ guards: [], puts: [{ key, value, lease }], deletes: [] });
    this.#written = value;
    this.#first.resolve();
  }

  async #holdLease(): Promise<Lease> {
    if (this.#lease && !this.#lease.lost.aborted) return this.#lease;
    this.#lease = null;
    const lease = await this.#options.store.grantLease(this.#options.ttlMs);
    lease.lost.addEventListener('abort', () => this.#wake(), { once: true });
    this.#lease = lease;
    return lease;
  }

  #describe(): string {
    return JSON.stringify(this.#read());
  }

  #read(): ProxyRegistration {
    const { id, version, addresses, acknowledgement } = this.#options;
    const { applied, busy, refused } = acknowledgement();
    return { id, version, addresses, applied, busy, refused, started: this.#started };
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, REPEAT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#options.signal.aborted) this.#wake();
    });
  }

  async #giveBack(): Promise<void> {
    const lease = this.#lease;
    this.#lease = null;
    if (!lease || lease.lost.aborted) return;
    await lease.revoke().catch((error: unknown) => this.#options.onTrouble(error, 1));
  }
}
