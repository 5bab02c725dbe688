// One request on a stream of HTTP/2 to one target: what `wire` is for HTTP/1.1.
//
// INVARIANTS
// - Nothing is sent before the connection has proved itself (`h2c-session`).
// - An answer is whole when the target has ended its stream, and only then; whatever is left early is reset.
import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2';
import type { RequestHead } from '../clients/request.ts';
import type { TargetError } from '../errors.ts';
import type { BodySink } from '../exchange/body.ts';
import { readStreamHead, renderStreamHead, renderTrailers } from './h2c-head.ts';
import type { Guest, H2cSession } from './h2c-session.ts';
import type { H2cSessions } from './h2c-sessions.ts';
import { endOnlyWhole } from './stream-end.ts';
import type { Past, WireEvents } from './wire.ts';

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants;

export class H2cWire implements BodySink, Guest {
  readonly #sessions: H2cSessions;
  readonly #head: OutgoingHttpHeaders;
  readonly #events: WireEvents;
  /** A body without a length may have trailers behind it. */
  readonly #mayTrail: boolean;
  #session: H2cSession | null = null;
  #stream: ClientHttp2Stream | null = null;
  #past: Past = 'new';
  #hasSpoken = false;
  #isWhole = false;
  #isSent = false;
  #isLeft = false;
  /** Resets the stream with CANCEL. Closing it may first end it, as if what was sent were whole. */
  readonly #leaving = new AbortController();
  #trailers: readonly string[] = [];

  /** Throws for a field or a path that cannot be sent. */
  constructor(sessions: H2cSessions, head: RequestHead, events: WireEvents) {
    this.#sessions = sessions;
    this.#events = events;
    this.#head = renderStreamHead(head);
    this.#mayTrail = head.hasBody && head.contentLength === null;
  }

  open(): void {
    const session = this.#sessions.seat(this);
    if (session === null) this.#events.onConnecting();
    else this.onSeated(session);
  }

  get past(): Past {
    return this.#past;
  }

  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  onSeated(session: H2cSession): void {
    this.#session = session;
    if (session.isUsed) this.#past = 'reused';
    this.#events.onConnected();
  }

  onUnseated(reason: TargetError): void {
    this.#events.onFailure(reason);
  }

  flushHead(): void {
    this.#begin(false);
  }

  write(piece: Buffer): boolean {
    const stream = this.#begin(false);
    if (stream === null || stream.destroyed || stream.closed || piece.length === 0) return true;
    return stream.write(Buffer.from(piece));
  }

  end(trailers: readonly string[]): void {
    this.#isSent = true;
    const stream = this.#begin(trailers.length === 0);
    if (stream === null || stream.destroyed || stream.writableEnded) return;
    if (this.#mayTrail) stream.once('wantTrailers', () => stream.sendTrailers(renderTrailers(trailers)));
    stream.end();
  }

  /** The client takes no more for now. */
  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /** Nothing is told from now on. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    const [session, stream] = [this.#session, this.#stream];
    if (session === null) this.#sessions.forget(this);
    else if (stream === null) session.release();
    else if (!stream.destroyed && !(this.#isSent && this.#isWhole)) this.#leaving.abort();
  }

  /** `isAll`: there is nothing behind the head. */
  #begin(isAll: boolean): ClientHttp2Stream | null {
    const session = this.#session;
    if (this.#stream !== null || session === null) return this.#stream;
    const options = { endStream: isAll, waitForTrailers: !isAll && this.#mayTrail };
    const stream = session.http2.request(this.#head, { ...options, signal: this.#leaving.signal });
    this.#stream = stream;
    endOnlyWhole(stream, true);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      session.release();
      this.#close(stream, session);
    });
    stream.on('headers', (_fields, _flags, raw: string[]) => this.#inform(raw));
    stream.once('response', (_fields, flags, raw: string[]) => this.#answer(stream, flags, raw));
    stream.once('trailers', (_fields, _flags, raw: string[]) => {
      this.#trailers = raw;
    });
    stream.on('drain', () => {
      if (!this.#isLeft) this.#events.onDrained();
    });
    return stream;
  }

  #inform(raw: readonly string[]): void {
    this.#hear();
    const head = readStreamHead(raw);
    if (head !== null && !this.#isLeft) this.#events.onInformation(head);
  }

  #answer(stream: ClientHttp2Stream, flags: number, raw: readonly string[]): void {
    this.#hear();
    if (this.#isLeft) return;
    const head = readStreamHead(raw);
    if (head === null) {
      this.#events.onFailure('invalid-response');
      return;
    }
    const isAll = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    this.#isWhole = isAll;
    this.#events.onAnswer(head);
    if (isAll) {
      stream.resume();
      this.#end();
      return;
    }
    stream.on('data', (piece: Buffer) => {
      this.#session?.hear();
      if (!this.#isLeft) this.#events.onBody(piece);
      if (!this.#isLeft) this.#events.onRead();
    });
    stream.once('end', () => {
      this.#isWhole = true;
      this.#end();
    });
    // What came with the head goes on with it.
    process.nextTick(() => {
      if (!this.#isLeft) this.#events.onRead();
    });
  }

  #hear(): void {
    this.#hasSpoken = true;
    this.#session?.hear();
  }

  #end(): void {
    if (!this.#isLeft) this.#events.onEnd(this.#trailers);
  }

  /** A stream that was refused, or lies behind what a GOAWAY names, was not begun by the target. */
  #close(stream: ClientHttp2Stream, session: H2cSession): void {
    if (this.#isLeft || this.#isWhole) return;
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM) this.#past = 'refused';
    const isFault = stream.rstCode === constants.NGHTTP2_PROTOCOL_ERROR;
    this.#events.onFailure(isFault ? 'invalid-response' : session.reason());
  }
}
