// One client connection of HTTP/1.1: reads its requests one at a time, has each served, and goes on when its response is out.
// Decides what becomes of the connection; knows no table.
//
// INVARIANTS
// - At most one request of a connection is being served. What stands behind it is not even parsed: it waits, with little
//   more read. Once a response ends the connection, nothing behind it is served.
// - The proxy's own refusal of what could not be read is never written into a response: it comes after, or not at all.
// - A client may end its side once it has sent its request, and is answered.
import type { Socket } from 'node:net';
import { type AnswerCode, renderRawError } from '../errors.ts';
import type { Deadline } from '../exchange/deadlines.ts';
import { takeTurn } from '../messages/turns.ts';
import type { Client } from './headers.ts';
import type { Http1Place } from './http1-place.ts';
import { type BodySource, Http1Request } from './http1-request.ts';
import { Http1Response, type ResponseOwner } from './http1-response.ts';
import { Intake, type IntakeReader, STOP } from './intake.ts';
import type { Line } from './line.ts';
import { closeLingering, closeWritten, HALF_OPEN_MS, isLingering } from './linger.ts';
import { isOffer } from './offer.ts';
import type { RequestLines } from './request-head.ts';
import { makeRequestId } from './request-id.ts';
import { BROKEN, type RequestEvents, RequestParser } from './request-parser.ts';

/** An error is told by the close behind it. */
const ignore = (): void => undefined;

/** `offer`: it may go over to another protocol, in any moment. `over`: nothing that comes is read any more, and it ends. */
type State = 'head' | 'body' | 'answer' | 'offer' | 'over';

interface Exchange {
  readonly request: Http1Request;
  readonly response: Http1Response;
}

export class Http1Connection implements RequestEvents, BodySource, ResponseOwner, IntakeReader, Deadline {
  readonly socket: Socket;
  readonly client: Client;
  readonly keepAlive: string;
  deadlineAt: number;
  deadlinePlace = -1;
  readonly #place: Http1Place;
  readonly #parser: RequestParser;
  readonly #line: Line;
  readonly #intake: Intake;
  #state: State = 'head';
  #current: Exchange | null = null;
  #isInHead = false;
  #hasServed = false;
  /** Written when the client had ended its side, or when that was looked at last. */
  #written = 0;

  constructor(line: Line, place: Http1Place) {
    const { socket } = line;
    this.socket = socket;
    this.#line = line;
    this.#place = place;
    this.client = place.front.meet(socket);
    this.keepAlive = place.keepAlive;
    this.#parser = new RequestParser(place.limits.maxHeaderBytes, this);
    this.deadlineAt = performance.now() + place.limits.headMs;
    place.deadlines.add(this);
    place.open.add(this);
    socket.allowHalfOpen = true;
    socket.on('drain', this.#onDrain).on('end', this.#onEnd);
    socket.on('error', ignore).on('close', this.#onClose);
    this.#intake = new Intake(line, this);
  }

  /** It was of use; nothing is in hand or coming in. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#hasServed && !this.#parser.isInHead;
  }

  get isReading(): boolean {
    return this.#state !== 'answer' && (this.#state !== 'body' || this.#current?.request.isFlowing === true);
  }

  get isAmidMessage(): boolean {
    return this.#state === 'body' || (this.#state === 'head' && this.#isInHead);
  }

  holdBody(): void {
    if (this.#state === 'body') this.#line.pause();
  }

  wantBody(): void {
    this.#intake.wake();
  }

  read(bytes: Buffer, from: number): number {
    if (this.#state === 'over') return STOP;
    const at = this.#parser.read(bytes, from);
    if (at === BROKEN) this.#break(this.#parser.problem);
    else if (this.#state === 'offer') this.#goOver(Buffer.from(bytes.subarray(at)));
    else return at;
    return STOP;
  }

  onTaken(): void {
    const { isInHead } = this.#parser;
    if (this.#state === 'head' && this.#isInHead !== isInHead) {
      this.#isInHead = isInHead;
      if (isInHead && this.#hasServed) this.deadlineAt = performance.now() + this.#place.limits.headMs;
    }
    if (this.socket.readableEnded) this.#onEnd();
  }

  expire(): void {
    if (this.#state === 'answer' || this.#state === 'body') this.#lookAtHalf();
    else if (this.#state !== 'head') return;
    else if (this.isIdle) this.#leave();
    else this.#refuse('request-timeout');
  }

  onRequest(lines: RequestLines): void {
    this.deadlineAt = Number.POSITIVE_INFINITY;
    this.#isInHead = false;
    this.#hasServed = true;
    if (lines.method === 'CONNECT') {
      this.#refuse('no-tunnel');
      return;
    }
    const request = new Http1Request(lines, this);
    const response = new Http1Response(this, request, lines.block.isKept);
    this.#current = { request, response };
    this.#state = request.complete ? 'answer' : 'body';
    if (lines.block.framing.kind === 'doubtful') this.#place.front.refuse(this.#current, 'bad-framing');
    else if (isOffer(lines)) this.#state = 'offer';
    else this.#place.front.serve(this.#current);
  }

  onBody(piece: Buffer): void {
    this.#current?.request.tellBody(piece);
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#state === 'body') this.#state = 'answer';
    this.#current?.request.tellEnd(trailers);
    // The client's end is to be seen.
    if (this.socket.isPaused()) this.#line.resume();
  }

  onFinished(): void {
    const { socket } = this;
    const exchange = this.#current;
    this.#current = null;
    if (exchange === null || socket.destroyed) return;
    const { request, response } = exchange;
    const isLast = socket.readableEnded && !this.#intake.isAhead;
    if (!response.shouldKeepAlive || !request.complete || isLast) {
      this.#leave();
      return;
    }
    this.#state = 'head';
    this.#parser.next();
    this.deadlineAt = performance.now() + this.#place.limits.idleMs;
    if (this.#intake.isHolding) this.#intake.wake();
  }

  forsake(): void {
    this.#state = 'over';
    this.#current = null;
    this.#forget();
    const { socket } = this;
    socket.off('drain', this.#onDrain).off('end', this.#onEnd).off('close', this.#onClose);
  }

  /** Nothing is read from here on but by whoever speaks the other protocol. */
  #goOver(first: Buffer): void {
    const exchange = this.#current;
    if (exchange === null) return;
    this.#intake.stop();
    exchange.response.shouldKeepAlive = false;
    this.#place.front.upgrade(exchange, this.socket, first);
  }

  /** What came last is no request, or no body of one. */
  #break(code: AnswerCode): void {
    const exchange = this.#current;
    // It has been refused already: what else its client says is dropped.
    if (isLingering(exchange?.response ?? null)) this.#state = 'over';
    else if (exchange?.response.headersSent === true) this.socket.destroy();
    else this.#refuse(code);
  }

  /** An answer to what is no request, and the end. */
  #refuse(code: AnswerCode): void {
    if (this.#current === null) this.#place.front.noteUnread(code);
    this.#state = 'over';
    this.#intake.drop();
    this.#abandon();
    if (this.socket.writable) this.socket.write(renderRawError(code, makeRequestId()), 'latin1');
    closeLingering(this.socket);
  }

  /** A client that has sent more, or may have, must not lose the last response by that. */
  #leave(): void {
    const isAhead = this.#intake.isAhead || this.#state === 'offer';
    this.#state = 'over';
    this.#intake.drop();
    if (isAhead) closeLingering(this.socket);
    else closeWritten(this.socket);
  }

  readonly #onDrain = (): void => this.#current?.response.tellDrain();

  readonly #onEnd = (): void => {
    if (this.#state === 'answer' || this.#intake.isHolding) {
      this.#written = this.socket.bytesWritten;
      this.deadlineAt = performance.now() + HALF_OPEN_MS;
    } else if (this.#state === 'body' || this.#parser.isInHead) takeTurn(() => this.#onHalf());
    else if (this.#state === 'head') this.socket.end();
  };

  /** Half a request, and no more of it will come. */
  #onHalf(): void {
    if (this.#state === 'body' || this.#state === 'head') this.#break('bad-request');
  }

  #lookAtHalf(): void {
    const { bytesWritten } = this.socket;
    if (bytesWritten === this.#written) this.socket.destroy();
    this.#written = bytesWritten;
    this.deadlineAt = performance.now() + HALF_OPEN_MS;
  }

  readonly #onClose = (): void => {
    this.#intake.drop();
    this.#forget();
    if (this.#state === 'offer') this.#abandon();
    else if (this.#current !== null) takeTurn(() => this.#abandon());
  };

  /** Nobody waits for the request in hand any more. */
  #abandon(): void {
    const exchange = this.#current;
    this.#current = null;
    exchange?.response.tellClose();
    exchange?.request.tellClose();
  }

  #forget(): void {
    this.#place.deadlines.remove(this);
    this.#place.open.delete(this);
  }
}
