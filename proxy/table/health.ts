// What trying to connect to a target has taught: passed over for a moment after a failure, ejected after several in a
// row, and back once it takes a connection of our own. Knows one target; whether it may be ejected is for the caller.
//
// INVARIANTS
// - One that is ejected comes back by a probe, a reset, or the caller's word, never by time alone.
// - At most one timer or one probe at a time, and none while it is not ejected.
import { connect, type Socket } from 'node:net';

/** How long a target that failed is passed over while another one can serve. */
const SET_ASIDE_MS = 1_000;
const PROBE_TIMEOUT_MS = 1_000;
/** Each time in a row it stays away twice as long, but for no longer than this, or than it was told at first. */
const LONGEST_MS = 60_000;

export class Health {
  readonly #host: string;
  readonly #port: number;
  #asideUntil = 0;
  /** Connections in a row that it did not take. */
  #errors = 0;
  #isEjected = false;
  /** Of the last ejection. */
  #awayMs = 0;
  #backAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #probe: Socket | null = null;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  get isEjected(): boolean {
    return this.#isEjected;
  }

  setAside(now: number): void {
    this.#asideUntil = now + SET_ASIDE_MS;
  }

  isAside(now: number): boolean {
    return this.#asideUntil > now;
  }

  /** How many connections in a row it has not taken by now. */
  countError(): number {
    this.#errors += 1;
    return this.#errors;
  }

  /** It has taken a connection. */
  noteConnected(): void {
    this.#errors = 0;
  }

  /** For `ms`, or twice as long as the last time where it was back for no longer than it had been away. */
  eject(ms: number): void {
    if (this.#isEjected) return;
    this.#isEjected = true;
    const isRepeated = performance.now() - this.#backAt < this.#awayMs;
    this.#stayAway(ms, isRepeated ? 2 * this.#awayMs : ms);
  }

  readmit(): void {
    if (this.#isEjected) this.#backAt = performance.now();
    this.#isEjected = false;
    this.#errors = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#probe?.destroy();
    this.#probe = null;
  }

  /** All is forgotten. */
  reset(): void {
    this.readmit();
    this.#asideUntil = 0;
    this.#awayMs = 0;
  }

  #stayAway(leastMs: number, ms: number): void {
    this.#awayMs = Math.min(ms, Math.max(LONGEST_MS, leastMs));
    this.#timer = setTimeout(() => this.#ask(leastMs), this.#awayMs).unref();
  }

  #ask(leastMs: number): void {
    this.#timer = null;
    const probe = connect({ host: this.#host, port: this.#port });
    this.#probe = probe;
    probe.unref().setTimeout(PROBE_TIMEOUT_MS, () => probe.destroy());
    probe.once('connect', () => this.readmit());
    probe.on('error', () => probe.destroy());
    probe.once('close', () => {
      if (this.#probe !== probe) return;
      this.#probe = null;
      this.#stayAway(leastMs, 2 * this.#awayMs);
    });
  }
}
