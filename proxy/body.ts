// The request's body on its way to the target: counted against the limit, held back when the target does not read,
// with its trailers at the end. Never holds more than one chunk.
import type { IncomingMessage } from 'node:http';
import { composeTrailers } from './headers.ts';

/** Where the body goes; node's client request is one. */
export interface BodySink {
  /** The head goes out although there is no body yet. */
  flushHeaders(): void;
  /** False when it is to wait for `drain`. */
  write(chunk: Buffer): boolean;
  addTrailers(trailers: readonly [string, string][]): void;
  end(): void;
  once(event: 'drain', listener: () => void): unknown;
}

export interface BodyEvents {
  readonly onProgress: () => void;
  readonly onSent: () => void;
  readonly onTooLarge: () => void;
}

export class BodyPump {
  readonly #source: IncomingMessage;
  readonly #maxBytes: number | null;
  readonly #events: BodyEvents;
  #sink: BodySink | null = null;
  #bytes = 0;
  #done = false;
  #blocked = false;

  constructor(source: IncomingMessage, maxBytes: number | null, events: BodyEvents) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** The whole body has been given to the connection. */
  get isDone(): boolean {
    return this.#done;
  }

  /** The target does not read. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    if (this.#source.readableLength === 0) sink.flushHeaders();
    this.#source.on('data', this.#onData);
    this.#source.once('end', this.#onEnd);
  }

  stop(): void {
    if (this.#sink === null || this.#done) return;
    this.#source.off('data', this.#onData);
    this.#source.off('end', this.#onEnd);
    this.#source.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#maxBytes !== null && this.#bytes > this.#maxBytes) {
      this.#events.onTooLarge();
      return;
    }
    this.#events.onProgress();
    if (this.#sink?.write(chunk) !== false) return;
    this.#blocked = true;
    this.#source.pause();
    this.#sink.once('drain', this.#onDrain);
  };

  readonly #onDrain = (): void => {
    this.#blocked = false;
    this.#events.onProgress();
    this.#source.resume();
  };

  readonly #onEnd = (): void => {
    this.#done = true;
    if (this.#source.rawTrailers.length > 0)
      this.#sink?.addTrailers(composeTrailers(this.#source.rawTrailers));
    this.#sink?.end();
    this.#events.onSent();
  };
}
