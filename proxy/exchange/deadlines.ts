// One timer for many, such as all requests in flight: each has a moment at which it expires, and moves it as often as it likes for
// the price of an assignment. Late by at most one sweep.
//
// They stand in a list, each with its place. A `Set` would do, but each time it is laid out anew, which steady traffic
// makes it do all the time, its former layout keeps what was in it until the whole heap is collected.

import { takeTurn } from '../messages/turns.ts';

const SWEEP_MS = 50;

export interface Deadline {
  /** By `performance.now()`. */
  readonly deadlineAt: number;
  /** In the list, or -1; kept by the list. */
  deadlinePlace: number;
  /** Called once it has passed; takes itself off the list. */
  expire(): void;
}

export class Deadlines {
  readonly #all: Deadline[] = [];
  readonly #sweepMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(sweepMs = SWEEP_MS) {
    this.#sweepMs = sweepMs;
  }

  add(deadline: Deadline): void {
    deadline.deadlinePlace = this.#all.push(deadline) - 1;
    if (this.#timer !== null) return;
    // After a pause of this process its timers run before it reads what has come in meanwhile, and so in time. What was read
    // may wait for its turn, and comes first, too.
    this.#timer = setInterval(() => setImmediate(this.#look), this.#sweepMs);
    this.#timer.unref();
  }

  /** The last one takes its place. */
  remove(deadline: Deadline): void {
    const place = deadline.deadlinePlace;
    if (place < 0) return;
    deadline.deadlinePlace = -1;
    const last = this.#all.pop();
    if (last === undefined || last === deadline) return;
    this.#all[place] = last;
    last.deadlinePlace = place;
  }

  /** Late by now: what comes from here on has its turn behind the sweep. */
  readonly #look = (): void => {
    const now = performance.now();
    takeTurn(() => this.#sweep(now));
  };

  /** From the end: what takes a free place was looked at. The timer outlives its last request by one sweep. */
  #sweep(now: number): void {
    for (let place = this.#all.length - 1; place >= 0; place -= 1) {
      const deadline = this.#all[place];
      if (deadline !== undefined && deadline.deadlineAt <= now) deadline.expire();
    }
    if (this.#all.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
