// The target's answer on its way to the client: head, body with back-pressure, trailers. Never holds more than one chunk, or,
// while it is kept back, one read.
import type { ClientResponse } from '../clients/conversation.ts';
import { cutOff, endWatched, watchReader } from '../clients/delivery.ts';
import { composeOwn, composeResponse, composeTrailers, findField } from '../clients/headers.ts';
import { endLingering } from '../clients/linger.ts';
import { MAX_TEXT_BYTES, writeLent } from '../messages/lent.ts';
import type { ResponseHead } from '../targets/response-head.ts';
import type { Job } from './job.ts';

export interface AnswerEvents {
  onProgress(): void;
  /** The client does not read: what the target has to say has to wait. */
  onBlocked(): void;
  onRelayed(status: number): void;
}

/** Where the answer comes from. */
export interface AnswerSource {
  pause(): void;
  resume(): void;
}

export class AnswerRelay {
  readonly #job: Job;
  readonly #answer: ResponseHead;
  readonly #source: AnswerSource;
  /** The target answers although it has not read the request's body to its end. */
  readonly #unread: boolean;
  readonly #events: AnswerEvents;
  /** Ends the watch over a client that does not read for now. */
  #unwatch: (() => void) | null = null;
  #chunked = false;
  /** What the target still says is for nobody. */
  #isOver = false;
  /** While it is kept back: what came of its body in the same read as its head. The rest waits in the connection. */
  #kept: Buffer[] | null = null;
  #keptEnd: readonly string[] | null = null;

  constructor(job: Job, answer: ResponseHead, source: AnswerSource, unread: boolean, events: AnswerEvents) {
    this.#job = job;
    this.#answer = answer;
    this.#source = source;
    this.#unread = unread;
    this.#events = events;
  }

  /** False, with nothing sent, when the head has a status or a field that node refuses to send on. */
  start(): boolean {
    this.#chunked = this.#isChunked();
    try {
      this.#writeHead();
    } catch {
      return false;
    }
    if (this.#chunked && this.#isEventStream()) this.#endWithStreams();
    if (this.#kept !== null) this.#release(this.#kept);
    return true;
  }

  /** Until `start`: perhaps there is a better one. */
  hold(): void {
    this.#kept = [];
    this.#source.pause();
  }

  #release(kept: readonly Buffer[]): void {
    this.#kept = null;
    this.#source.resume();
    for (const piece of kept) this.write(piece);
    if (this.#keptEnd === null) this.flush();
    else this.finish(this.#keptEnd);
  }

  #isChunked(): boolean {
    const { request, head } = this.#job;
    const { status, length } = this.#answer;
    const empty = head.method === 'HEAD' || status === 204 || status === 304;
    return !empty && request.httpVersionMinor > 0 && length === null;
  }

  #isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(findField(this.#answer.fields, 'content-type') ?? '');
  }

  /** It ends whole, as if the target had ended it: the client comes back for more. Nobody half-closes an event stream. */
  #endWithStreams(): void {
    const { request, response, plane } = this.#job;
    const leave = (): void => cutOff(response);
    const forget = plane.streams.add(() => this.#endEarly());
    if (request.isMultiplexed === true) {
      response.once('close', forget);
      return;
    }
    request.socket.once('end', leave);
    response.once('close', () => {
      request.socket.off('end', leave);
      forget();
    });
    if (request.socket.readableEnded) leave();
  }

  #endEarly(): void {
    const { response, settings } = this.#job;
    this.#isOver = true;
    this.#events.onRelayed(this.#answer.status);
    endWatched(response, settings.idleTimeoutMs);
  }

  #writeHead(): void {
    const { response, plane } = this.#job;
    const fields = composeResponse(this.#answer, this.#job.settings, this.#chunked);
    if (this.#unread || plane.closing) response.shouldKeepAlive = false;
    response.writeHead(this.#answer.status, this.#answer.reason, fields, composeOwn(this.#job));
  }

  /** What came together has been written by now; a head without a body yet (events, long polls) goes out alone. */
  flush(): void {
    if (!this.#isOver && this.#kept === null) this.#job.response.flush();
  }

  /** The piece is only lent: it is copied. */
  write(piece: Buffer): void {
    if (this.#isOver) return;
    if (this.#kept !== null) {
      this.#kept.push(Buffer.from(piece));
      return;
    }
    const { response } = this.#job;
    // What was read with a piece that did not fit any more comes all the same; it is not progress of the client's.
    if (this.#unwatch === null) this.#events.onProgress();
    if (!writeCopy(response, piece) && this.#unwatch === null) this.#block();
  }

  #block(): void {
    const { response, settings } = this.#job;
    this.#source.pause();
    this.#events.onBlocked();
    this.#unwatch = watchReader(response, settings.idleTimeoutMs);
    response.once('drain', () => {
      this.#unblock();
      this.#events.onProgress();
      this.#source.resume();
    });
  }

  #unblock(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  finish(trailers: readonly string[]): void {
    const { request, response, settings } = this.#job;
    if (this.#isOver) return;
    if (this.#kept !== null) {
      this.#keptEnd = trailers;
      return;
    }
    this.#isOver = true;
    this.#unblock();
    if (this.#chunked && trailers.length > 0) response.addTrailers(composeTrailers(trailers));
    this.#events.onRelayed(this.#answer.status);
    if (this.#unread && !request.complete) {
      response.flush();
      endLingering(request, response, settings.idleTimeoutMs);
    } else endWatched(response, settings.idleTimeoutMs);
  }
}

function writeCopy(response: ClientResponse, piece: Buffer): boolean {
  if (piece.length <= MAX_TEXT_BYTES) return response.write(piece.toString('latin1'), 'latin1');
  // A large piece alone asks for a drain, also when the system has taken all of it by now.
  return writeLent(response, piece) || response.socket?.writableLength === 0;
}
