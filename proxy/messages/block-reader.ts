// Collects a block of lines up to its empty line, however it is cut into pieces: the head of a message, or its trailers.
// Holds no more than a block may have, and gives up at the first byte that cannot belong to one.

const END = Buffer.from('\r\n\r\n');
const [LF, CR] = [0x0a, 0x0d];
const FIRST_BYTES = 256;
/** Of a block that is not whole yet, so much tells whether it is one. */
const OPENING_CHARS = 24;

export type Progress = 'whole' | 'part' | 'broken' | 'too-large';

export class BlockReader {
  readonly #maxBytes: number;
  readonly #isOpening: (text: string) => boolean;
  #held: Buffer | null = null;
  #length = 0;
  /** The block that was whole last, with its empty line. */
  text = '';
  /** Where it ended, in the bytes that were read last. */
  end = 0;

  /** `isOpening`: whether a block may begin with this text, of at most 24 characters. */
  constructor(maxBytes: number, isOpening: (text: string) => boolean) {
    this.#maxBytes = maxBytes;
    this.#isOpening = isOpening;
  }

  /** Some of a block has come, but not all. */
  get isHolding(): boolean {
    return this.#held !== null;
  }

  read(bytes: Buffer, from: number): Progress {
    if (this.#held !== null) return this.#hold(bytes, from);
    const found = bytes.indexOf(END, from);
    if (found < 0) return this.#hold(bytes, from);
    this.end = found + END.length;
    if (this.end - from > this.#maxBytes) return 'too-large';
    this.text = bytes.toString('latin1', from, this.end);
    return 'whole';
  }

  /** What there is of a block, and the text of the last one. */
  forget(): void {
    this.text = '';
    this.#held = null;
    this.#length = 0;
  }

  #hold(bytes: Buffer, from: number): Progress {
    const before = this.#length;
    const held = this.#grow(Math.min(this.#maxBytes, before + bytes.length - from));
    const length = before + bytes.copy(held, before, from);
    const found = held.subarray(0, length).indexOf(END, Math.max(0, before - END.length + 1));
    if (found >= 0) {
      this.forget();
      this.text = held.toString('latin1', 0, found + END.length);
      this.end = from + this.text.length - before;
      return 'whole';
    }
    this.#length = length;
    if (!this.#isHopeful(held, before)) return 'broken';
    return length < this.#maxBytes ? 'part' : 'too-large';
  }

  #grow(needed: number): Buffer {
    const held = this.#held;
    if (held !== null && held.length >= needed) return held;
    const wanted = Math.max(FIRST_BYTES, needed, 2 * (held?.length ?? 0));
    const grown = Buffer.allocUnsafe(Math.min(this.#maxBytes, wanted));
    held?.copy(grown, 0, 0, this.#length);
    this.#held = grown;
    return grown;
  }

  /** Who speaks something else is known by its first bytes, not by the time that it takes. */
  #isHopeful(held: Buffer, before: number): boolean {
    if (!this.#isOpening(held.toString('latin1', 0, Math.min(this.#length, OPENING_CHARS)))) return false;
    for (let at = before; at < this.#length; at += 1) {
      const isAfterCr = at > 0 && held[at - 1] === CR;
      if (held[at] === 0 || (held[at] === LF) !== isAfterCr) return false;
    }
    return true;
  }
}
