// The connections of clients that chose HTTP/2: each stream becomes a request of the data plane, within limits; what is idle,
// or abuses its connection, is closed. Accepts no connection itself.
//
// INVARIANTS
// - A stream that was reset before its turn came starts nothing.
// - A connection that is to end says so with GOAWAY: what its client sent behind the last stream that it names was not begun.
import {
  constants,
  performServerHandshake,
  type SecureServerSessionOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { AnswerCode } from '../errors.ts';
import type { Conversation } from './conversation.ts';
import type { Client } from './headers.ts';
import { Http2Guard, type Nuisance } from './http2-guard.ts';
import { StreamRequest, translateHead } from './http2-request.ts';
import { StreamResponse } from './http2-response.ts';

const MAX_STREAMS = 100;
/** What all streams of a connection may have under way to us; each of them has node's 64 KiB. */
const CONNECTION_WINDOW_BYTES = 1_048_576;
/** Beyond, node resets new streams. What waits for a client that does not read is bounded by back-pressure already. */
const SESSION_MEGABYTES = 32;
const SWEEP_MS = 1_000;

export interface Http2Limits {
  readonly maxHeaderBytes: number;
  /** How long the first request may take. */
  readonly firstMs: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
  /** How long a client with requests may be silent until it is asked by PING, and then again until it answers. */
  readonly silenceMs: number;
}

export interface Http2Front {
  /** Whose connection it is: for all requests of it. */
  meet(socket: Socket): Client;
  readonly closing: boolean;
  serve(conversation: Conversation): void;
  refuse(conversation: Conversation, code: AnswerCode): void;
}

export class Http2Sessions {
  readonly #front: Http2Front;
  readonly #limits: Http2Limits;
  readonly #options: SecureServerSessionOptions;
  readonly #open = new Set<Http2Client>();
  #sweep: NodeJS.Timeout | null = null;

  constructor(front: Http2Front, limits: Http2Limits) {
    this.#front = front;
    this.#limits = limits;
    this.#options = {
      // Each field counts 32 bytes beside its text.
      maxHeaderListPairs: Math.ceil(limits.maxHeaderBytes / 32),
      maxSessionMemory: SESSION_MEGABYTES,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: limits.maxHeaderBytes },
    };
  }

  /** A connection whose handshake is done. A client that ends its side of it has gone. */
  converse(socket: Socket): void {
    socket.allowHalfOpen = false;
    const session = performServerHandshake(socket, this.#options);
    const client = new Http2Client(session, socket, this.#front, this.#limits);
    this.#open.add(client);
    this.#sweep ??= setInterval(this.#look, SWEEP_MS).unref();
    session.once('close', () => {
      this.#open.delete(client);
      socket.destroy();
    });
  }

  /** What is in hand goes on to its end, nothing new begins. */
  sayClose(): void {
    for (const client of this.#open) client.sayClose();
  }

  readonly #look = (): void => {
    const now = performance.now();
    for (const client of this.#open) client.look(now, this.#limits);
    if (this.#open.size > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  };
}

/** One connection. */
class Http2Client {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #front: Http2Front;
  readonly #client: Client;
  readonly #guard = new Http2Guard();
  #busy = 0;
  /** When it is closed unless a request comes; by `performance.now()`. */
  #idleUntil: number;
  readonly #maxHeaderBytes: number;
  #wasBusy = false;
  #isLast = false;
  /** Of the client, when it was last heard. */
  #bytesRead = 0;
  #silentSince = performance.now();
  #isAsked = false;

  constructor(session: ServerHttp2Session, socket: Socket, front: Http2Front, limits: Http2Limits) {
    this.#session = session;
    this.#socket = socket;
    this.#front = front;
    this.#client = front.meet(socket);
    this.#idleUntil = performance.now() + limits.firstMs;
    this.#maxHeaderBytes = limits.maxHeaderBytes;
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // Told by its end.
    session.on('error', () => session.destroy());
    session.on('ping', () => this.#note('pings'));
    session.on('remoteSettings', () => this.#note('settings'));
    session.on('stream', (stream, _fields, _flags, raw: string[]) => this.#begin(stream, raw));
  }

  sayClose(): void {
    this.#session.close();
  }

  /** Called now and then. */
  look(now: number, { idleMs, silenceMs }: Http2Limits): void {
    if (this.#session.destroyed) this.#cut();
    else if (this.#busy > 0) this.#listen(now, silenceMs);
    else if (this.#wasBusy) {
      this.#wasBusy = false;
      this.#idleUntil = now + idleMs;
    } else if (now >= this.#idleUntil) this.#end(constants.NGHTTP2_NO_ERROR);
  }

  /** A client that has gone while much was on its way to it is not always told of by node. */
  #listen(now: number, silenceMs: number): void {
    this.#wasBusy = true;
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.#silentSince = now;
      this.#isAsked = false;
    } else if (now - this.#silentSince <= silenceMs) return;
    else if (this.#isAsked) {
      this.#end(constants.NGHTTP2_NO_ERROR);
      this.#socket.destroy();
    } else {
      this.#isAsked = true;
      this.#silentSince = now;
      this.#session.ping(() => undefined);
    }
  }

  /** It has ended, but for a client that does not read its rest, or does not let go: the next time it is cut off. */
  #cut(): void {
    if (this.#isLast) this.#socket.destroy();
    this.#isLast = true;
  }

  #begin(stream: ServerHttp2Stream, raw: readonly string[]): void {
    stream.on('error', () => stream.destroy());
    if (stream.destroyed || stream.closed) {
      this.#note('resets');
      return;
    }
    this.#busy += 1;
    this.#wasBusy = true;
    const head = translateHead(raw, stream.endAfterHeaders);
    const request = new StreamRequest(stream, head, this.#socket, this.#client);
    const response = new StreamResponse(stream, request);
    stream.once('close', () => {
      this.#busy -= 1;
      if (!response.writableFinished) this.#note('resets');
    });
    const refusal = head.size > this.#maxHeaderBytes ? 'header-too-large' : head.refusal;
    if (refusal === null) this.#front.serve({ request, response });
    else this.#front.refuse({ request, response }, refusal);
    // A connection that came after the others had been told.
    if (this.#front.closing && !this.#session.closed) setImmediate(() => this.#session.close());
  }

  #note(kind: Nuisance): void {
    if (!this.#guard.note(kind)) this.#end(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Whatever is in hand ends with it. */
  #end(code: number): void {
    if (this.#session.destroyed) return;
    const isFault = code !== constants.NGHTTP2_NO_ERROR;
    this.#session.destroy(isFault ? new Error('The connection was abused.') : undefined, code);
  }
}
