// The target's answer on its way to the client: head, body with back-pressure, trailers. Never holds more than one chunk.
import type { IncomingMessage } from 'node:http';
import { cutOff, endWatched, watchReader } from './delivery.ts';
import { composeResponse, composeTrailers, findField } from './headers.ts';
import type { Job } from './job.ts';
import { endLingering } from './linger.ts';

export interface AnswerEvents {
  readonly onProgress: () => void;
  /** The client does not read: what the target has to say has to wait. */
  readonly onBlocked: () => void;
  readonly onEnd: () => void;
  readonly onTruncated: () => void;
}

export class AnswerRelay {
  readonly #job: Job;
  readonly #answer: IncomingMessage;
  /** The target answers although it has not read the request's body to its end. */
  readonly #unread: boolean;
  readonly #events: AnswerEvents;
  #flowing = false;
  #chunked = false;
  /** Ended by us: what the target still says is for nobody. */
  #isOver = false;

  constructor(job: Job, answer: IncomingMessage, unread: boolean, events: AnswerEvents) {
    this.#job = job;
    this.#answer = answer;
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
    this.#answer.on('data', (chunk: Buffer) => this.#relay(chunk));
    this.#answer.once('end', () => this.#finish());
    this.#answer.on('error', () => this.#events.onTruncated());
    if (this.#chunked && this.#isEventStream()) this.#endWithStreams();
    process.nextTick(() => this.#flushHead());
    return true;
  }

  #isChunked(): boolean {
    const { request, head } = this.#job;
    const status = this.#answer.statusCode ?? 0;
    const empty = head.method === 'HEAD' || status === 204 || status === 304;
    return (
      !empty && request.httpVersionMinor > 0 && findField(this.#answer.rawHeaders, 'content-length') === null
    );
  }

  #isEventStream(): boolean {
    return /^text\/event-stream\b/i.test(findField(this.#answer.rawHeaders, 'content-type') ?? '');
  }

  /** It ends whole, as if the target had ended it: the client comes back for more. Nobody half-closes an event stream. */
  #endWithStreams(): void {
    const { request, response, plane } = this.#job;
    const leave = (): void => cutOff(response);
    const forget = plane.streams.add(() => this.#endEarly());
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
    this.#events.onEnd();
    endWatched(response, settings.idleTimeoutMs);
    this.#answer.destroy();
  }

  #writeHead(): void {
    const { response, settings, setCookie, plane } = this.#job;
    const fields = composeResponse(this.#answer.rawHeaders, settings, this.#chunked, setCookie);
    if (this.#unread || plane.closing) response.shouldKeepAlive = false;
    response.writeHead(this.#answer.statusCode ?? 0, this.#answer.statusMessage, fields);
  }

  /** What came with the head has been written by now; a head without a body yet (events, long polls) goes out alone. */
  #flushHead(): void {
    if (!this.#flowing) this.#job.response.flushHeaders();
  }

  #relay(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#flowing = true;
    this.#events.onProgress();
    const { response, settings } = this.#job;
    if (response.write(chunk)) return;
    this.#answer.pause();
    this.#events.onBlocked();
    const forget = watchReader(response, settings.idleTimeoutMs);
    response.once('drain', () => {
      forget();
      this.#events.onProgress();
      this.#answer.resume();
    });
  }

  #finish(): void {
    const { request, response, settings } = this.#job;
    if (this.#isOver) return;
    if (!this.#answer.complete) {
      this.#events.onTruncated();
      return;
    }
    this.#flowing = true;
    const { rawTrailers } = this.#answer;
    if (this.#chunked && rawTrailers.length > 0) response.addTrailers(composeTrailers(rawTrailers));
    this.#events.onEnd();
    if (this.#unread && !request.complete) endLingering(request, response, settings.idleTimeoutMs);
    else endWatched(response, settings.idleTimeoutMs);
  }
}
