// The requests of one connection, from bytes to events, however they are cut: one at a time, and nothing behind it until it
// is asked for. Forgives nothing, and holds nothing but the head that is not whole yet. Knows no socket.
import type { AnswerCode } from '../errors.ts';
import { BlockReader } from '../messages/block-reader.ts';
import { ChunkReader } from '../messages/chunk-reader.ts';
import { type FieldBlock, isRequestOpening, parseRequestHead, type RequestLines } from './request-head.ts';

export interface RequestEvents {
  onRequest(lines: RequestLines): void;
  onBody(piece: Buffer): void;
  /** The body is whole; not told of a request that has none. */
  onEnd(trailers: readonly string[]): void;
}

export const BROKEN = -1;
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);
const [LF, CR] = [0x0a, 0x0d];
/** What a larger head says is not kept for the next one: it would be held as long as its connection is idle. */
const [MOST_CHARS, MOST_ITEMS] = [4_096, 128];

export class RequestParser {
  readonly #events: RequestEvents;
  readonly #block: BlockReader;
  readonly #pass: (piece: Buffer) => void;
  /** A reader: of the chunks of this body. */
  #expected: 'head' | 'counted' | 'nothing' | ChunkReader = 'head';
  #left = 0;
  #before: FieldBlock | null = null;
  /** Why it is no request. */
  problem: AnswerCode = 'bad-request';

  constructor(maxHeadBytes: number, events: RequestEvents) {
    this.#events = events;
    this.#block = new BlockReader(maxHeadBytes, isRequestOpening);
    this.#pass = (piece) => events.onBody(piece);
  }

  /** Some of a head has come, but not all. */
  get isInHead(): boolean {
    return this.#block.isHolding;
  }

  /** What comes next is a head. */
  next(): void {
    this.#expected = 'head';
  }

  /** Up to the end of a head, or of a body, or of what there is. Returns where it stands, or `BROKEN`. */
  read(bytes: Buffer, from: number): number {
    switch (this.#expected) {
      case 'head':
        return this.#readHead(bytes, this.#block.isHolding ? from : skipEmptyLines(bytes, from));
      case 'counted':
        return this.#readCounted(bytes, from);
      case 'nothing':
        return bytes.length;
      default:
        return this.#readChunks(this.#expected, bytes, from);
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    if (from === bytes.length) return from;
    const progress = this.#block.read(bytes, from);
    if (progress === 'part') return bytes.length;
    if (progress !== 'whole')
      return this.#fail(progress === 'too-large' ? 'header-too-large' : 'bad-request');
    const { end, text } = this.#block;
    this.#block.forget();
    const lines = parseRequestHead(text, this.#before);
    if (typeof lines === 'string') return this.#fail(lines);
    this.#before = text.length <= MOST_CHARS && lines.block.fields.length <= MOST_ITEMS ? lines.block : null;
    this.#expect(lines);
    this.#events.onRequest(lines);
    return end;
  }

  #fail(problem: AnswerCode): number {
    this.problem = problem;
    return BROKEN;
  }

  #expect({ block: { framing } }: RequestLines): void {
    if (framing.kind === 'counted') {
      this.#expected = 'counted';
      this.#left = framing.length;
    } else this.#expected = framing.kind === 'chunked' ? new ChunkReader() : 'nothing';
  }

  #readCounted(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    this.#pass(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    if (this.#left === 0) this.#end([]);
    return end;
  }

  #readChunks(chunks: ChunkReader, bytes: Buffer, from: number): number {
    const progress = chunks.read(bytes, from, this.#pass);
    if (progress === 'part') return bytes.length;
    if (progress === 'broken') return this.#fail('bad-request');
    const { trailers, end } = chunks;
    if (sayFraming(trailers)) return this.#fail('bad-framing');
    this.#end(trailers);
    return end;
  }

  #end(trailers: readonly string[]): void {
    this.#expected = 'nothing';
    this.#events.onEnd(trailers);
  }
}

/** What comes too late to be true. */
function sayFraming(trailers: readonly string[]): boolean {
  for (let index = 0; index < trailers.length; index += 2)
    if (FRAMING.has((trailers[index] ?? '').toLowerCase())) return true;
  return false;
}

/** Between two requests there may be some (RFC 9112 2.2). */
function skipEmptyLines(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at;
}
