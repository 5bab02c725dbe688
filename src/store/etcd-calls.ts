// Unary calls to etcd: a deadline on each, the next endpoint after a failure, a fresh client after several in a row.
// Repeats only what is safe to repeat. Streams have clients of their own and only report here.
import type { Etcd3 } from 'etcd3';
import { StoreError } from './errors.ts';
import { buildClient, type EtcdOptions } from './etcd-client.ts';
import { isNeverSent, toStoreError } from './etcd-errors.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
/** Consecutive failures of one client until it is thrown away (grpc-js can hang for good after a server's restart). */
const FAILURES_UNTIL_FRESH = 2;

export interface CallOptions {
  readonly what: string;
  /** Reads, and writes that mean the same when done twice. */
  readonly repeatable: boolean;
}

export class EtcdCalls {
  readonly #options: EtcdOptions;
  readonly #timeoutMs: number;
  #client: Etcd3 | null = null;
  #index = 0;
  #failures = 0;
  #closed = false;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#index % this.#options.endpoints.length] ?? '';
  }

  /** A client for a stream, at the endpoint in use. Its owner closes it. */
  openClient(): Etcd3 {
    this.#refuseWhenClosed();
    return buildClient(this.#options, this.endpoint, this.#timeoutMs);
  }

  /** A stream at this endpoint failed: the next one starts elsewhere, if there is an elsewhere. */
  avoid(endpoint: string): void {
    if (this.#options.endpoints.length > 1 && endpoint === this.endpoint) this.#rotate();
  }

  async call<T>({ what, repeatable }: CallOptions, run: (client: Etcd3) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#timeoutMs;
    const { length } = this.#options.endpoints;
    // One endpoint that swallows packets must leave time for the others.
    const shareMs = repeatable && length > 1 ? this.#timeoutMs / (length + 1) : this.#timeoutMs;
    for (let left = length; ; left -= 1) {
      const endpoint = this.endpoint;
      try {
        const result = await this.#attempt(what, run, Math.min(shareMs, deadline - performance.now()));
        this.#failures = 0;
        return result;
      } catch (cause) {
        const error = toStoreError(cause, what, endpoint);
        if (error.disposition !== 'transient' || this.#closed) throw error;
        this.#noteFailure(endpoint);
        const again = repeatable || isNeverSent(error);
        if (!again || left === 0 || deadline - performance.now() < this.#timeoutMs / 10) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = null;
  }

  async #attempt<T>(what: string, run: (client: Etcd3) => Promise<T>, leftMs: number): Promise<T> {
    this.#refuseWhenClosed();
    this.#client ??= buildClient(this.#options, this.endpoint, this.#timeoutMs);
    return await withDeadline(run(this.#client), leftMs, () => {
      return new StoreError('store-timeout', `etcd ${this.endpoint}: ${what}: no answer; it is tried again`);
    });
  }

  #noteFailure(endpoint: string): void {
    this.#failures += 1;
    this.avoid(endpoint);
    if (this.#failures >= FAILURES_UNTIL_FRESH) this.#rotate();
  }

  #rotate(): void {
    this.#index += 1;
    this.#failures = 0;
    this.#client?.close();
    this.#client = null;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new StoreError('store-closed', 'the etcd client is closed');
  }
}

/** Rejects with `late()` after `ms`; whatever the promise does afterwards is not looked at. */
export function withDeadline<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(0, ms));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
