// Virtual time: what is to come, in order. Nothing here waits.

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  now: number;
  #order = 0;
  #events: Event[] = [];

  constructor(start: number) {
    this.now = start;
  }

  after(ms: number, run: () => void): void {
    const event = { at: this.now + ms, order: this.#order, run };
    this.#order += 1;
    const index = this.#events.findIndex((other) => other.at > event.at);
    if (index < 0) this.#events.push(event);
    else this.#events.splice(index, 0, event);
  }

  nextAt(): number | null {
    return this.#events[0]?.at ?? null;
  }

  /** Runs everything that is due at `at`, which becomes the present. */
  advanceTo(at: number): void {
    this.now = at;
    for (let due = this.#events[0]; due !== undefined && due.at <= at; due = this.#events[0]) {
      this.#events.shift();
      due.run();
    }
  }
}
