// Which services are due for a pass: one at a time each, a few at once in all, again when something changed during the
// pass, later when the pass asked for it, and after a back-off when it failed. Knows nothing of what a pass does.

export interface Pass {
  /** Milliseconds since the epoch, or null: only on a change. */
  readonly wakeAt: number | null;
  /** Something was written: look again at once. */
  readonly again: boolean;
}

export interface QueueOptions {
  readonly run: (service: string) => Promise<Pass>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of every failed pass; answers how long to wait. `attempts` counts failures in a row. */
  readonly onFailure: (service: string, error: unknown, attempts: number) => number;
  readonly onDepth?: (waiting: number) => void;
  readonly concurrency?: number;
}

const CONCURRENCY = 8;
/** Timers beyond this fire early and look again. */
const LONGEST_TIMER_MS = 60_000;

interface Slot {
  state: 'idle' | 'waiting' | 'running';
  isDirty: boolean;
  failures: number;
  timer: NodeJS.Timeout | null;
}

export class Queue {
  readonly #options: QueueOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #waiting: string[] = [];
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** A pass of this service is due now, or again after the one that runs. */
  mark(service: string): void {
    if (this.#isClosed) return;
    const slot = this.#slotOf(service);
    if (slot.state === 'running') {
      slot.isDirty = true;
      return;
    }
    if (slot.state === 'waiting') return;
    this.#clearTimer(slot);
    slot.state = 'waiting';
    this.#waiting.push(service);
    this.#fill();
  }

  /** Resolves when no pass runs any more; nothing is taken up after the call. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const slot of this.#slots.values()) this.#clearTimer(slot);
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #slotOf(service: string): Slot {
    const known = this.#slots.get(service);
    if (known !== undefined) return known;
    const slot: Slot = { state: 'idle', isDirty: false, failures: 0, timer: null };
    this.#slots.set(service, slot);
    return slot;
  }

  #fill(): void {
    const limit = this.#options.concurrency ?? CONCURRENCY;
    while (this.#running.size < limit) {
      const service = this.#waiting.shift();
      if (service === undefined) break;
      const run = this.#runOne(service, this.#slotOf(service)).finally(() => {
        this.#running.delete(run);
        this.#fill();
      });
      this.#running.add(run);
    }
    this.#options.onDepth?.(this.#waiting.length);
  }

  async #runOne(service: string, slot: Slot): Promise<void> {
    slot.state = 'running';
    slot.isDirty = false;
    let waitMs: number | null = null;
    try {
      const pass = await this.#options.run(service);
      slot.failures = 0;
      waitMs = pass.again ? 0 : pass.wakeAt === null ? null : pass.wakeAt - this.#options.now();
    } catch (error) {
      slot.failures += 1;
      waitMs = this.#options.onFailure(service, error, slot.failures);
    }
    slot.state = 'idle';
    if (this.#isClosed) return;
    if ((slot.isDirty && slot.failures === 0) || waitMs === 0) this.mark(service);
    else if (waitMs !== null) this.#wakeIn(service, slot, waitMs);
    else this.#slots.delete(service);
  }

  #wakeIn(service: string, slot: Slot, waitMs: number): void {
    this.#clearTimer(slot);
    slot.timer = setTimeout(() => this.mark(service), Math.min(LONGEST_TIMER_MS, Math.max(1, waitMs)));
  }

  #clearTimer(slot: Slot): void {
    if (slot.timer !== null) clearTimeout(slot.timer);
    slot.timer = null;
  }
}
