// A request that came on a connection of HTTP/1.1. Its body is told as it comes in; while nobody wants it, its connection
// holds it back.
import type { Socket } from 'node:net';
import type { ClientRequest } from './conversation.ts';
import type { Client } from './headers.ts';
import { Listeners } from './listeners.ts';
import type { FieldBlock, RequestLines } from './request-head.ts';

/** Where the body comes from. */
export interface BodySource {
  readonly socket: Socket;
  readonly client: Client;
  holdBody(): void;
  wantBody(): void;
}

export class Http1Request implements ClientRequest {
  readonly block: FieldBlock;
  readonly method: string;
  readonly url: string;
  rawTrailers: readonly string[] = [];
  complete: boolean;
  /** Somebody wants the body. */
  isFlowing = false;
  readonly #source: BodySource;
  #onData: ((piece: Buffer) => void) | null = null;
  readonly #ends = new Listeners();
  readonly #closes = new Listeners();

  constructor({ method, url, block }: RequestLines, source: BodySource) {
    this.method = method;
    this.url = url;
    this.block = block;
    this.complete = block.framing.kind === 'none';
    this.#source = source;
  }

  get httpVersionMinor(): number {
    return this.block.minor;
  }

  get rawHeaders(): readonly string[] {
    return this.block.fields;
  }

  get socket(): Socket {
    return this.#source.socket;
  }

  get client(): Client {
    return this.#source.client;
  }

  on(_event: 'data', listener: (piece: Buffer) => void): void {
    this.#onData = listener;
    this.resume();
  }

  once(event: 'end' | 'close', listener: () => void): void {
    (event === 'end' ? this.#ends : this.#closes).add(listener);
  }

  off(event: 'data', listener: (piece: Buffer) => void): void;
  off(event: 'end', listener: () => void): void;
  off(event: 'data' | 'end', listener: (() => void) | ((piece: Buffer) => void)): void {
    if (event === 'data') this.#onData = null;
    else this.#ends.remove(listener as () => void);
  }

  pause(): void {
    this.isFlowing = false;
    if (!this.complete) this.#source.holdBody();
  }

  resume(): void {
    if (this.isFlowing || this.complete) return;
    this.isFlowing = true;
    this.#source.wantBody();
  }

  /** For its connection: of the body. */
  tellBody(piece: Buffer): void {
    this.#onData?.(piece);
  }

  tellEnd(trailers: readonly string[]): void {
    this.rawTrailers = trailers;
    this.complete = true;
    this.#ends.tell();
  }

  tellClose(): void {
    this.#closes.tell();
  }
}
