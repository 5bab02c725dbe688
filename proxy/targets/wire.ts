// One request on a connection to one target: writes what is asked, and says what comes back; decides nothing.
//
// INVARIANTS
// - Nothing is written before the connection stands. Head and body are framed as the head says.
// - The connection goes back to the pool only when the request was sent whole and the response is whole beyond doubt.
import type { Socket } from 'node:net';
import type { RequestHead } from '../clients/request.ts';
import type { TargetError } from '../errors.ts';
import type { BodySink } from '../exchange/body.ts';
import { isSafe, renderFields } from '../messages/field-lines.ts';
import { MAX_TEXT_BYTES, writeLent } from '../messages/lent.ts';
import type { Target } from '../table/target.ts';
import type { Connection, Occupant } from './connection.ts';
import { renderRequest } from './request-text.ts';
import type { ResponseHead } from './response-head.ts';

/** Of the connection of a request without an answer: it had been idle before, or the target has not begun with the request. */
export type Past = 'new' | 'reused' | 'refused';

export interface WireEvents {
  /** There is no connection yet; one that was kept from before needs no such wait. */
  onConnecting(): void;
  /** Nothing was sent so far. */
  onConnected(): void;
  /** The target reads on, where a write was told to wait. */
  onDrained(): void;
  /** All that came together has been told. */
  onRead(): void;
  onInformation(head: ResponseHead): void;
  onAnswer(head: ResponseHead): void;
  /** The piece holds during the call only. */
  onBody(piece: Buffer): void;
  onEnd(trailers: readonly string[]): void;
  onSwitch(head: ResponseHead, socket: Socket, first: Buffer): void;
  /** The answer was not whole. */
  onFailure(reason: TargetError): void;
}

export class Wire implements BodySink, Occupant {
  readonly #target: Target;
  readonly #events: WireEvents;
  readonly #method: string;
  readonly #isChunked: boolean;
  /** Until it has been written. */
  #head: string;
  #connection: Connection | null = null;
  #isConnected = false;
  #isSent = false;

  /** Throws for a field or a path that cannot be sent. */
  constructor(target: Target, head: RequestHead, events: WireEvents) {
    this.#target = target;
    this.#events = events;
    this.#method = head.method;
    this.#isChunked = head.hasBody && head.contentLength === null;
    this.#head = renderRequest(head);
  }

  /** `mayGoOver`: the client wants another protocol on the connection. */
  open(mayGoOver: boolean): void {
    const { pool } = this.#target;
    const connection = mayGoOver ? pool.open(true) : pool.take();
    this.#connection = connection;
    connection.occupy(this, this.#method);
    if (connection.isConnecting) this.#events.onConnecting();
    else this.onConnected();
  }

  /** HTTP/1.1 has no word for a request that was not begun. */
  get past(): Past {
    return this.#connection?.isReused === true ? 'reused' : 'new';
  }

  /** Any byte came back, be it of an interim response or of half a head. */
  get hasSpoken(): boolean {
    return this.#connection?.hasSpoken === true;
  }

  flushHead(): void {
    const head = this.#takeHead();
    if (head !== '') this.#connection?.socket.write(head, 'latin1');
  }

  write(piece: Buffer): boolean {
    const socket = this.#connection?.socket;
    // An empty chunk would be the last one.
    if (socket === undefined || piece.length === 0) return true;
    const before = this.#takeHead() + (this.#isChunked ? `${piece.length.toString(16)}\r\n` : '');
    const after = this.#isChunked ? '\r\n' : '';
    if (piece.length <= MAX_TEXT_BYTES) socket.write(before + piece.toString('latin1') + after, 'latin1');
    else writeAmong(socket, before, piece, after);
    // A large piece alone asks for a drain, also when the system has taken all of it by now.
    return socket.writableLength === 0 || !socket.writableNeedDrain;
  }

  end(trailers: readonly string[]): void {
    this.#isSent = true;
    let text = this.#takeHead();
    if (this.#isChunked) text += `0\r\n${isSafe(trailers.join('')) ? renderFields(trailers) : ''}\r\n`;
    if (text !== '') this.#connection?.socket.write(text, 'latin1');
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  /** The client takes no more for now. */
  pause(): void {
    this.#connection?.reading.pause();
  }

  resume(): void {
    this.#connection?.reading.resume();
  }

  /** Nothing is told from now on. */
  leave(): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    if (this.#isSent && connection.parser.isWhole) this.#target.pool.give(connection);
    else connection.close();
  }

  onConnected(): void {
    this.#isConnected = true;
    this.#events.onConnected();
  }

  onRead(): void {
    this.#events.onRead();
  }

  onDrained(): void {
    this.#events.onDrained();
  }

  onInformation(head: ResponseHead): void {
    this.#events.onInformation(head);
  }

  onHead(head: ResponseHead): void {
    this.#events.onAnswer(head);
  }

  onBody(piece: Buffer): void {
    this.#events.onBody(piece);
  }

  onEnd(trailers: readonly string[]): void {
    this.#events.onEnd(trailers);
  }

  onSwitch(head: ResponseHead, first: Buffer): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.#events.onSwitch(head, connection.forsake(), first);
  }

  onMalformed(): void {
    this.#events.onFailure('invalid-response');
  }

  onClosed(code: string): void {
    this.#events.onFailure(reasonOf(code, this.#isConnected));
  }
}

function writeAmong(socket: Socket, before: string, piece: Buffer, after: string): void {
  const isAlone = before === '' && after === '';
  if (!isAlone) socket.cork();
  if (before !== '') socket.write(before, 'latin1');
  writeLent(socket, piece);
  if (after !== '') socket.write(after, 'latin1');
  if (!isAlone) socket.uncork();
}

function reasonOf(code: string, isConnected: boolean): TargetError {
  if (isConnected) return 'reset';
  if (code === 'ECONNREFUSED') return 'connect-refused';
  return code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed';
}
