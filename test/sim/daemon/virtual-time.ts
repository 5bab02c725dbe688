// Virtual time for code that reads the process's own clock: while installed, timers, `Date`, `performance.now` and
// `Math.random` are ours, so that a run is a function of its seed. Time moves only in `advance`, from timer to timer.
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import { Random } from '../../support/random.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  Date: globalThis.Date,
  random: Math.random,
  performanceNow: performance.now,
  sleep: timersPromises.setTimeout,
  turn: timersPromises.setImmediate,
};
/** After so many moments the event loop has a turn: only then node looks for rejections that nobody has caught. */
const MOMENTS_A_TURN = 16;

const EPOCH = Date.UTC(2026, 10, 24);

export class VirtualTime {
  /** Milliseconds on the monotonic clock. */
  now = 0;
  /** How far the wall clock was set, and since when. */
  readonly #steps: { readonly from: number; readonly byMs: number }[] = [{ from: 0, byMs: 0 }];
  readonly #random: Random;
  readonly #heap: Timer[] = [];
  #order = 0;
  #moments = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Milliseconds since the epoch, as the machine's clock has it. */
  get wall(): number {
    return this.wallAt(this.now);
  }

  /** What the wall clock showed then. */
  wallAt(at: number): number {
    return EPOCH + at + (this.#steps.findLast(({ from }) => from <= at)?.byMs ?? 0);
  }

  /** The wall clock is set. */
  step(byMs: number): void {
    this.#steps.push({ from: this.now, byMs: byMs + (this.#steps.at(-1)?.byMs ?? 0) });
  }

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.now + Math.max(0, ms), order: this.#order++, run };
    push(this.#heap, timer);
    return timer;
  }

  async sleep(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => this.after(ms, resolve));
  }

  /** Everything that is due until `end`, one timer after the other; after each, all that it set in motion. */
  async advance(end: number, onQuiet: () => void): Promise<void> {
    await quiet();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      pop(this.#heap);
      if (next.run === null) continue;
      this.now = next.at;
      next.run();
      this.#moments += 1;
      await (this.#moments % MOMENTS_A_TURN === 0 ? real.turn() : quiet());
      onQuiet();
    }
    this.now = end;
  }

  install(): void {
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => asTimeout(this.after(ms, run)),
      clearTimeout: cancel,
      Date: dateOf(this),
    });
    Math.random = () => this.#random.next();
    performance.now = () => this.now;
    timersPromises.setTimeout = sleepOf(this);
    timersPromises.setImmediate = quiet;
    syncBuiltinESMExports();
  }

  uninstall(): void {
    const { setTimeout, clearTimeout, Date: RealDate, random, performanceNow, sleep } = real;
    Object.assign(globalThis, { setTimeout, clearTimeout, Date: RealDate });
    Math.random = random;
    performance.now = performanceNow;
    timersPromises.setTimeout = sleep;
    timersPromises.setImmediate = real.turn;
    syncBuiltinESMExports();
  }
}

// Runs every microtask, and whatever they queue: a tick comes when none is left. An event loop's turn would cost a
// system call each time.
function quiet<T>(value?: T): Promise<T> {
  return new Promise((resolve) => process.nextTick(resolve, value));
}

function asTimeout(timer: Timer) {
  return Object.assign(timer, { unref: () => timer, ref: () => timer });
}

function cancel(timer: Timer | null | undefined): void {
  if (timer != null) timer.run = null;
}

function dateOf(time: VirtualTime): typeof Date {
  return class extends real.Date {
    constructor(given: number | string = time.wall) {
      super(given);
    }

    static override now(): number {
      return time.wall;
    }
  } as typeof Date;
}

function sleepOf(time: VirtualTime): typeof timersPromises.setTimeout {
  return (ms, value, options) =>
    new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal?.aborted) return reject(signal.reason);
      const giveUp = () => {
        cancel(timer);
        reject(signal?.reason);
      };
      const timer = time.after(ms ?? 0, () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(value as never);
      });
      signal?.addEventListener('abort', giveUp, { once: true });
    });
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const right = left + 1;
    const [a, b] = [heap[left], heap[right]];
    const least = a !== undefined && b !== undefined && isBefore(b, a) ? right : left;
    const child = heap[least];
    if (child === undefined || !isBefore(child, last)) break;
    heap[index] = child;
    index = least;
  }
  heap[index] = last;
}
