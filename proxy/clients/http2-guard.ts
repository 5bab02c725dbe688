// What one connection of HTTP/2 may ask for without asking for a response: each such frame is cheap to send, and costs here.
// Counts, per span of time; node bounds the rest itself (header blocks, frames without content, what waits to be sent).

const SPAN_MS = 10_000;

/** Per span. Browsers that leave a page reset what it still loads, and gRPC clients measure the way by pings. */
const MOST = { resets: 500, pings: 10_000, settings: 100 } as const;

export type Nuisance = keyof typeof MOST;

export class Http2Guard {
  #since = performance.now();
  #counts: Record<Nuisance, number> = { resets: 0, pings: 0, settings: 0 };

  /** False when it is too much. */
  note(kind: Nuisance): boolean {
    const now = performance.now();
    if (now - this.#since > SPAN_MS) {
      this.#since = now;
      this.#counts = { resets: 0, pings: 0, settings: 0 };
    }
    this.#counts[kind] += 1;
    return this.#counts[kind] <= MOST[kind];
  }
}
