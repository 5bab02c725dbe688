// The request's body on its way to the target: counted against the limit, held back when the target does not read,
// with its trailers at the end. Never holds more than one chunk.
import type { ClientRequest } from '../clients/conversation.ts';
import { composeTrailers } from '../clients/headers.ts';

/** Where the body goes. */
export interface BodySink {
  /** The head goes out although there is no body yet. */
  flushHead(): void;
  /** The piece is only lent. False when no more should come before `goOn`. */
  write(piece: Buffer): boolean;
  end(trailers: readonly string[]): void;
}

export interface BodyEvents {
  onProgress(): void;
  onSent(): void;
  onTooLarge(): void;
}

export class BodyPump {
  readonly #source: ClientRequest;
  readonly #maxBytes: number | null;
  readonly #events: BodyEvents;
  #sink: BodySink | null = null;
  #bytes = 0;
  #done = false;
  #blocked = false;

  constructor(source: ClientRequest, maxBytes: number | null, events: BodyEvents) {
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
    this.#source.on('data', this.#onData);
    this.#source.once('end', this.#onEnd);
    // Together with what of the body has come in already.
    process.nextTick(() => this.#sink?.flushHead());
  }

  /** The target reads on. */
  goOn(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    // Told of its end already: what is waited for now is the answer.
    if (this.#done) return;
    this.#events.onProgress();
    this.#source.resume();
  }

  stop(): void {
    if (this.#sink === null || this.#done) return;
    this.#source.off('data', this.#onData);
    this.#source.off('end', this.#onEnd);
    this.#source.pause();
    this.#sink = null;
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
  };

  readonly #onEnd = (): void => {
    this.#done = true;
    this.#sink?.end(composeTrailers(this.#source.rawTrailers).flat());
    this.#events.onSent();
  };
}
