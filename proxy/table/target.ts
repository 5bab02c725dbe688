// One address that takes requests of one revision, and the set of them that a service has or had. Knows nothing of
// HTTP beyond owning the pool of its connections.
//
// INVARIANTS
// - A request is claimed only on a target that the table in force holds: `claim` checks and counts in one synchronous
//   step, and `TargetSet.replace` retires in one synchronous step, so no request starts on a target after its drain began.
// - Every claim that returned true is released exactly once.
// - A retired target is remembered until its in-flight count is 0; one that returns before that is the same target.
import { H2cSessions } from '../targets/h2c-sessions.ts';
import { Pool } from '../targets/pool.ts';
import { Health } from './health.ts';
import type { TargetAddress } from './table.ts';

/** A connection attempt on which nothing was sent yet. */
export interface Connecting {
  abandon(): void;
}

export class Target {
  readonly id: string;
  readonly revision: number;
  readonly host: string;
  readonly port: number;
  readonly pool: Pool;
  readonly health: Health;
  /** Where the target speaks HTTP/2. */
  sessions: H2cSessions | null;
  readonly connecting = new Set<Connecting>();
  inFlight = 0;
  /** Of those in flight, the copies that nobody waits for. */
  mirrors = 0;
  /** By `performance.now()`: from then on it has its full share; 0 when it never had less. */
  readonly warmAt: number;
  /** Of a share that is not full, what has been gathered towards the next request. */
  credit = 0;
  readonly #slowStartMs: number;
  #held = true;
  readonly #onIdle: (target: Target) => void;

  /** With a slow start of so many milliseconds, or 0. */
  constructor(address: TargetAddress, slowStartMs: number, onIdle: (target: Target) => void) {
    this.id = address.id;
    this.revision = address.revision;
    this.host = address.host;
    this.port = address.port;
    this.pool = new Pool(address.host, address.port);
    this.health = new Health(address.host, address.port);
    this.#slowStartMs = slowStartMs;
    this.warmAt = slowStartMs === 0 ? 0 : performance.now() + slowStartMs;
    this.sessions = address.isH2c ? new H2cSessions(address.host, address.port) : null;
    this.#onIdle = onIdle;
  }

  get held(): boolean {
    return this.#held;
  }

  /** False when the table no longer holds it: pick again. */
  claim(): boolean {
    if (!this.#held) return false;
    this.inFlight += 1;
    return true;
  }

  release(): void {
    this.inFlight -= 1;
    if (this.inFlight === 0 && !this.#held) this.#onIdle(this);
  }

  /** Its share of what one that is warm gets: from 0, linearly, to 1. */
  warmth(now: number): number {
    return this.warmAt <= now ? 1 : 1 - (this.warmAt - now) / this.#slowStartMs;
  }

  /** What a revision speaks never changes, but a table that people edit may be put right. */
  speak(isH2c: boolean): void {
    if (isH2c === (this.sessions !== null)) return;
    this.pool.dropIdle(0);
    this.sessions?.retire();
    this.sessions = isH2c ? new H2cSessions(this.host, this.port) : null;
  }

  /** Requests that wait for a connection here go elsewhere at once: an address that vanished would let them hang. */
  retire(): void {
    this.#held = false;
    this.health.reset();
    this.pool.retire();
    for (const attempt of [...this.connecting]) attempt.abandon();
    this.sessions?.retire();
  }

  restore(): void {
    this.#held = true;
    this.pool.restore();
  }
}

/** The targets of one service: those in the table, and the retired ones that are still busy. */
export class TargetSet {
  #held: readonly Target[] = [];
  readonly #known = new Map<string, Target>();
  readonly #onIdle: () => void;

  /** `onIdle` is called when a retired target's last request has ended. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get held(): readonly Target[] {
    return this.#held;
  }

  /** Everything with requests in flight or in the table. */
  known(): IterableIterator<Target> {
    return this.#known.values();
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** One that joins others of its revision starts slowly, where that is wanted. */
  replace(addresses: readonly TargetAddress[], slowStartMs: number): void {
    const wanted = new Set(addresses.map((address) => address.id));
    const joined = new Set(slowStartMs === 0 ? [] : this.#held.map(({ revision }) => revision));
    this.#held = addresses.map((address) =>
      this.#hold(address, joined.has(address.revision) ? slowStartMs : 0),
    );
    for (const target of [...this.#known.values()]) {
      if (!wanted.has(target.id) && target.held) target.retire();
      if (!target.held && target.inFlight === 0) this.#forget(target);
    }
  }

  /** Retired targets that still have requests in flight. */
  busy(): readonly Target[] {
    if (this.#known.size === this.#held.length) return [];
    return [...this.#known.values()].filter((target) => !target.held && target.inFlight > 0);
  }

  #hold(address: TargetAddress, slowStartMs: number): Target {
    const present = this.#known.get(address.id);
    if (present !== undefined) {
      if (!present.held) present.restore();
      present.speak(address.isH2c);
      return present;
    }
    const created = new Target(address, slowStartMs, (target) => {
      this.#forget(target);
      this.#onIdle();
    });
    this.#known.set(address.id, created);
    return created;
  }

  #forget(target: Target): void {
    target.pool.close();
    target.health.reset();
    target.sessions?.retire();
    this.#known.delete(target.id);
  }
}
