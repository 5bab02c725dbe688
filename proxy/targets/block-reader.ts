// Collects a block of lines up to its empty line, however it is cut into pieces: the head of a message, or its trailers.
// Holds no more than a head may have, and gives up at the first byte that cannot belong to one.

/** As large as node's client takes. */
export const MAX_BLOCK_BYTES = 16_384;

const END = Buffer.from('\r\n\r\n');
const [LF, CR] = [0x0a, 0x0d];

export type Progress = 'whole' | 'part' | 'broken';

export class BlockReader {
  readonly #opening: string;
  #held: Buffer | null = null;
  #length = 0;
  /** The block that was whole last, with its empty line. */
  text = '';
  /** Where it ended, in the bytes that were read last. */
  end = 0;

  /** `opening`: how each block begins. */
  constructor(opening: string) {
    this.#opening = opening;
  }

  read(bytes: Buffer, from: number): Progress {
    if (this.#held !== null) return this.#hold(this.#held, bytes, from);
    const found = bytes.indexOf(END, from);
    if (found < 0) return this.#hold(Buffer.allocUnsafe(MAX_BLOCK_BYTES), bytes, from);
    this.end = found + END.length;
    if (this.end - from > MAX_BLOCK_BYTES) return 'broken';
    this.text = bytes.toString('latin1', from, this.end);
    return 'whole';
  }

  forget(): void {
    this.#held = null;
    this.#length = 0;
  }

  #hold(held: Buffer, bytes: Buffer, from: number): Progress {
    const before = this.#length;
    const length = before + bytes.copy(held, before, from);
    const found = held.subarray(0, length).indexOf(END, Math.max(0, before - END.length + 1));
    if (found >= 0) {
      this.text = held.toString('latin1', 0, found + END.length);
      this.end = from + this.text.length - before;
      this.forget();
      return 'whole';
    }
    this.#held = held;
    this.#length = length;
    return length < MAX_BLOCK_BYTES && this.#isHopeful(held, before) ? 'part' : 'broken';
  }

  /** A target that speaks something else is known by its first bytes, not by the time that it takes. */
  #isHopeful(held: Buffer, before: number): boolean {
    const opening = held.toString('latin1', 0, Math.min(this.#length, this.#opening.length));
    if (!this.#opening.startsWith(opening)) return false;
    for (let at = before; at < this.#length; at += 1) {
      const isAfterCr = at > 0 && held[at - 1] === CR;
      if (held[at] === 0 || (held[at] === LF) !== isAfterCr) return false;
    }
    return true;
  }
}
