// One response at a time, from the bytes of a connection to events, however they are cut. Forgives nothing, and holds
// nothing but the head that is not whole yet. Knows no socket.
//
// INVARIANTS
// - Nothing is told behind the end of a response, and nothing once `stop` was called.
// - `keepMs` is above 0 only when the response is whole, its end was beyond doubt, and nothing came behind it.

import { findField } from '../clients/headers.ts';
import { BlockReader } from '../messages/block-reader.ts';
import { ChunkReader } from '../messages/chunk-reader.ts';
import { MAX_HEAD_BYTES, parseResponseHead, type ResponseHead } from './response-head.ts';

export interface ResponseEvents {
  /** An interim response, 100 (Continue) among them. */
  onInformation(head: ResponseHead): void;
  /** The connection speaks another protocol from now on; `first` is what has come of it already. */
  onSwitch(head: ResponseHead, first: Buffer): void;
  onHead(head: ResponseHead): void;
  onBody(piece: Buffer): void;
  onEnd(trailers: readonly string[]): void;
}

const OPENING = 'HTTP/1.';
const MAX_INFORMATION = 100;
const BROKEN = -1;
/** Longer ones are not kept for the next one. */
const MOST_REMEMBERED = 4_096;

export class ResponseParser {
  readonly #block = new BlockReader(MAX_HEAD_BYTES, isOpening);
  readonly #pass = (piece: Buffer): void => this.#events?.onBody(piece);
  #events: ResponseEvents | null = null;
  /** A reader: of the chunks of this body. */
  #expected: 'head' | 'counted' | 'until-close' | 'nothing' | ChunkReader = 'nothing';
  #toHead = false;
  #left = 0;
  #information = 0;
  #keepMs = 0;
  /** The last head: within a second a target often says the same again. */
  #before: { readonly text: string; readonly head: ResponseHead } | null = null;

  /** `method`: of the request that was sent. */
  begin(method: string, events: ResponseEvents): void {
    this.#events = events;
    this.#expected = 'head';
    this.#toHead = method === 'HEAD';
    this.#information = 0;
    this.#keepMs = 0;
  }

  stop(): void {
    this.#events = null;
    this.#expected = 'nothing';
    this.#keepMs = 0;
    this.#block.forget();
  }

  /** The response to what was asked last. */
  get isWhole(): boolean {
    return this.#expected === 'nothing';
  }

  /** How long the connection may be kept for another request; 0 is not at all. */
  get keepMs(): number {
    return this.#expected === 'nothing' ? this.#keepMs : 0;
  }

  /** False when it is no response: nothing that the connection says can be trusted. */
  read(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#expected) {
        case 'head':
          at = this.#readHead(bytes, at);
          break;
        case 'counted':
          at = this.#readCounted(bytes, at);
          break;
        case 'until-close':
          this.#pass(at === 0 ? bytes : bytes.subarray(at));
          return true;
        case 'nothing':
          this.#keepMs = 0;
          return true;
        default:
          at = this.#readChunks(this.#expected, bytes, at);
      }
      if (at === BROKEN) return false;
    }
    return true;
  }

  /** The target says no more. False when its response is not whole. */
  finish(): boolean {
    if (this.#expected === 'until-close') this.#end([], 0);
    return this.#expected === 'nothing';
  }

  #readHead(bytes: Buffer, from: number): number {
    const progress = this.#block.read(bytes, from);
    if (progress !== 'whole') return progress === 'part' ? bytes.length : BROKEN;
    const { text, end } = this.#block;
    this.#block.forget();
    const head = this.#before?.text === text ? this.#before.head : parseResponseHead(text);
    if (head === null) return BROKEN;
    if (this.#before?.head !== head) this.#before = text.length <= MOST_REMEMBERED ? { text, head } : null;
    if (head.status < 200) return this.#readInformation(head, bytes, end);
    this.#keepMs = head.keepMs;
    this.#expect(head);
    this.#events?.onHead(head);
    if (this.#expected === 'counted' && this.#left === 0) this.#end([], bytes.length - end);
    return end;
  }

  #readInformation(head: ResponseHead, bytes: Buffer, end: number): number {
    this.#information += 1;
    const hasBody = head.isChunked || (head.length ?? 0) > 0;
    if (hasBody || this.#information > MAX_INFORMATION) return BROKEN;
    if (head.status !== 101) {
      // One behind which the connection would end cannot be interim.
      if (head.keepMs === 0) return BROKEN;
      this.#events?.onInformation(head);
      return end;
    }
    if (!isSwitch(head)) return BROKEN;
    this.#expected = 'nothing';
    this.#events?.onSwitch(head, bytes.subarray(end));
    return bytes.length;
  }

  #expect({ status, length, isChunked }: ResponseHead): void {
    const isBare = this.#toHead || status === 204 || status === 304;
    this.#left = isBare ? 0 : (length ?? 0);
    if (isBare || length !== null) this.#expected = 'counted';
    else this.#expected = isChunked ? new ChunkReader() : 'until-close';
    if (this.#expected === 'until-close') this.#keepMs = 0;
  }

  #readCounted(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    this.#pass(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    if (this.#left === 0) this.#end([], bytes.length - end);
    return end;
  }

  #readChunks(chunks: ChunkReader, bytes: Buffer, from: number): number {
    const progress = chunks.read(bytes, from, this.#pass);
    if (progress !== 'whole') return progress === 'part' ? bytes.length : BROKEN;
    const { trailers, end } = chunks;
    this.#end(trailers, bytes.length - end);
    return end;
  }

  /** `rest`: how many bytes came behind it. They may be anything: the connection is not used again. */
  #end(trailers: readonly string[], rest: number): void {
    // Stopped by what was told last.
    if (this.#expected === 'nothing') return;
    this.#expected = 'nothing';
    if (rest > 0) this.#keepMs = 0;
    this.#events?.onEnd(trailers);
  }
}

/** RFC 9110 7.8: it says to which protocol, and that this holds for the connection. */
function isSwitch({ fields }: ResponseHead): boolean {
  const options = (findField(fields, 'connection') ?? '').toLowerCase().split(',');
  return findField(fields, 'upgrade') !== null && options.some((option) => option.trim() === 'upgrade');
}

function isOpening(text: string): boolean {
  return OPENING.startsWith(text.slice(0, OPENING.length));
}
