// One chunked body, from bytes to its pieces and the trailers, however it is cut. The pieces are views of what was read.
// Sizes, extensions and trailers are bounded.
import { BlockReader } from './block-reader.ts';
import { parseFields } from './field-lines.ts';

const [LF, CR, SEMICOLON] = [0x0a, 0x0d, 0x3b];
/** 52 bits: a number that is exact. */
const MAX_DIGITS = 13;
/** Of one chunk. Nobody here understands any. */
const MAX_EXTENSION_BYTES = 1_024;
const MAX_TRAILER_BYTES = 16_384;

/** Of the body that is read. */
export type ChunkProgress = 'whole' | 'part' | 'broken';

type Expected = 'size' | 'extension' | 'line-feed' | 'data' | 'data-end' | 'data-line-feed' | 'trailers';

export class ChunkReader {
  #expected: Expected = 'size';
  #digits = 0;
  #left = 0;
  #extension = 0;
  readonly #block = new BlockReader(MAX_TRAILER_BYTES, isTrailerOpening);
  trailers: readonly string[] = [];
  /** Behind the body, in the bytes that were read last. */
  end = 0;

  read(bytes: Buffer, from: number, pass: (piece: Buffer) => void): ChunkProgress {
    let at = from;
    while (at < bytes.length) {
      if (this.#expected === 'trailers') return this.#readTrailers(bytes, at);
      if (this.#expected === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#expected = 'data-end';
        pass(bytes.subarray(at, end));
        at = end;
      } else {
        const next = this.#step(bytes[at] ?? 0);
        if (next === null) return 'broken';
        this.#expected = next;
        // The trailers begin with the end of this line: then they end with an empty one, be there any or none.
        if (next !== 'trailers') at += 1;
      }
    }
    return 'part';
  }

  #step(byte: number): Expected | null {
    switch (this.#expected) {
      case 'size':
        return this.#stepSize(byte);
      case 'extension':
        return this.#stepExtension(byte);
      case 'line-feed':
        return byte === LF ? 'data' : null;
      case 'data-end':
        return byte === CR ? 'data-line-feed' : null;
      case 'data-line-feed':
        this.#digits = 0;
        this.#extension = 0;
        return byte === LF ? 'size' : null;
      case 'data':
      case 'trailers':
        return null;
    }
  }

  #stepSize(byte: number): Expected | null {
    const digit = digitOf(byte);
    if (digit >= 0) {
      this.#digits += 1;
      this.#left = this.#left * 16 + digit;
      return this.#digits > MAX_DIGITS ? null : 'size';
    }
    if (this.#digits === 0) return null;
    if (byte === SEMICOLON) return 'extension';
    return byte === CR ? this.#afterSize() : null;
  }

  #stepExtension(byte: number): Expected | null {
    if (byte === CR) return this.#afterSize();
    this.#extension += 1;
    const isText = byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
    return isText && this.#extension <= MAX_EXTENSION_BYTES ? 'extension' : null;
  }

  #afterSize(): Expected {
    return this.#left === 0 ? 'trailers' : 'line-feed';
  }

  #readTrailers(bytes: Buffer, from: number): ChunkProgress {
    const progress = this.#block.read(bytes, from);
    if (progress !== 'whole') return progress === 'part' ? 'part' : 'broken';
    const { text, end } = this.#block;
    const trailers = text.startsWith('\r\n') ? parseFields(text, 2, text.length - 2) : null;
    if (trailers === null) return 'broken';
    this.trailers = trailers;
    this.end = end;
    return 'whole';
  }
}

function isTrailerOpening(text: string): boolean {
  return text.startsWith('\r\n') || text === '\r';
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
