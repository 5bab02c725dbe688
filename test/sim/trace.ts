// What happened in a simulated world, line by line, with times from a beginning.
const TAIL_LINES = 60;

interface Line {
  readonly at: number;
  readonly text: string;
}

export class Trace {
  readonly #lines: Line[] = [];
  #marked = 0;
  #markedAt: number;

  constructor(begunAt: number) {
    this.#markedAt = begunAt;
  }

  note(at: number, text: string): void {
    this.#lines.push({ at, text });
  }

  tail(from: number): string {
    return format(this.#lines.slice(-TAIL_LINES), from).join('\n');
  }

  mark(at: number): void {
    this.#marked = this.#lines.length;
    this.#markedAt = at;
  }

  /** Since the mark. */
  told(): readonly string[] {
    return format(this.#lines.slice(this.#marked), this.#markedAt);
  }
}

function format(lines: readonly Line[], from: number): readonly string[] {
  return lines.map(({ at, text }) => `+${((at - from) / 1000).toFixed(1)}s ${text}`);
}
