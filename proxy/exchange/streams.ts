// What does not end by itself: tunnels and event streams. Once the process is to end, each is told to, one by one and
// evenly over a window, so that those who come back do not come all at once.

export class Streams {
  readonly #open = new Map<() => void, NodeJS.Timeout | null>();
  #endAt: number | null = null;

  /** `end` is called once at most. Returns what takes it off the list. */
  add(end: () => void): () => void {
    this.#open.set(end, null);
    if (this.#endAt !== null) this.#endIn(end, Math.random() * (this.#endAt - performance.now()));
    return () => {
      clearTimeout(this.#open.get(end) ?? undefined);
      this.#open.delete(end);
    };
  }

  /** Of n the i-th ends at a random moment of the i-th part of the window; one that comes later, at any moment of the rest. */
  endWithin(windowMs: number): void {
    this.#endAt = performance.now() + windowMs;
    const part = windowMs / Math.max(1, this.#open.size);
    for (const [index, end] of [...this.#open.keys()].entries())
      this.#endIn(end, (index + Math.random()) * part);
  }

  #endIn(end: () => void, ms: number): void {
    clearTimeout(this.#open.get(end) ?? undefined);
    this.#open.set(end, setTimeout(end, ms).unref());
  }
}
