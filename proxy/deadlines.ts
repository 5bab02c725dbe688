// One timer for all requests in flight: each has a moment at which it expires, and moves it as often as it likes for
// the price of an assignment. Late by at most one sweep.

const SWEEP_MS = 50;

export interface Deadline {
  /** By `performance.now()`. */
  readonly deadlineAt: number;
  /** Called once it has passed; takes itself off the list. */
  expire(): void;
}

export class Deadlines {
  readonly #all = new Set<Deadline>();
  #timer: NodeJS.Timeout | null = null;

  add(deadline: Deadline): void {
    this.#all.add(deadline);
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  remove(deadline: Deadline): void {
    this.#all.delete(deadline);
  }

  /** The timer outlives its last request by one sweep, so that steady traffic does not start and stop it. */
  #sweep(): void {
    const now = performance.now();
    for (const deadline of this.#all) if (deadline.deadlineAt <= now) deadline.expire();
    if (this.#all.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
