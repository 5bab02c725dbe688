// One lease: keeps it alive on a stream of its own, and knows by the monotonic clock until when it certainly holds.
// Does not re-grant: a lost lease is lost.
//
// INVARIANTS
// - `validUntil` counts from the *sending* of the last keep-alive that was acknowledged, less a margin
// - past `validUntil`, or at etcd's word that it has gone, `lost` aborts; it never comes back
import type { Etcd3, IDuplexStream, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import { StoreError } from './errors.ts';
import type { EtcdCalls } from './etcd-calls.ts';
import type { Lease } from './port.ts';

type Stream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;

const REOPEN_MS = 100;

export class EtcdLease implements Lease {
  readonly id: string;
  readonly ttlMs: number;
  readonly #calls: EtcdCalls;
  readonly #onEnd: (lease: EtcdLease) => void;
  readonly #lost = new AbortController();
  /** When the keep-alives that are not yet answered were sent; etcd answers in order. */
  #sent: number[] = [];
  #renewedAt: number;
  #client: Etcd3 | null = null;
  #stream: Stream | null = null;
  #endpoint = '';
  #beat: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #reopen: NodeJS.Timeout | undefined;

  constructor(
    calls: EtcdCalls,
    granted: { readonly id: string; readonly ttlMs: number; readonly sentAt: number },
    onEnd: (lease: EtcdLease) => void,
  ) {
    this.id = granted.id;
    this.ttlMs = granted.ttlMs;
    this.#renewedAt = granted.sentAt;
    this.#calls = calls;
    this.#onEnd = onEnd;
    this.#beat = setInterval(() => this.#keepAlive(), this.ttlMs / 4);
    this.#watchExpiry();
    this.#keepAlive();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validUntil = (): number => this.#renewedAt + this.ttlMs - Math.min(1_000, this.ttlMs / 10);

  async revoke(): Promise<void> {
    this.end(`lease ${this.id} was given back`);
    const what = `revoke lease ${this.id}`;
    try {
      await this.#calls.call({ what, repeatable: true }, (client) =>
        client.leaseClient.leaseRevoke({ ID: this.id }),
      );
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'store-lease-lost')) throw error;
    }
  }

  /** Stops renewing and aborts `lost`; etcd lets it expire. */
  end(reason: string): void {
    if (this.#lost.signal.aborted) return;
    clearInterval(this.#beat);
    clearTimeout(this.#expiry);
    clearTimeout(this.#reopen);
    this.#dropStream();
    this.#onEnd(this);
    this.#lost.abort(new StoreError('store-lease-lost', `${reason}; grant a new one`));
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    const left = this.validUntil() - performance.now();
    if (left > 0) this.#expiry = setTimeout(() => this.#watchExpiry(), left);
    else this.end(`lease ${this.id} was not renewed in time`);
  }

  #keepAlive(): void {
    const oldest = this.#sent[0];
    if (oldest !== undefined && performance.now() - oldest > this.ttlMs / 3) {
      this.#calls.avoid(this.#endpoint);
      this.#dropStream();
    }
    if (this.#stream) this.#send(this.#stream);
    else if (!this.#client) void this.#openStream();
  }

  async #openStream(): Promise<void> {
    let client: Etcd3 | null = null;
    try {
      this.#endpoint = this.#calls.endpoint;
      client = this.#calls.openClient();
      this.#client = client;
      const stream = await client.leaseClient.leaseKeepAlive();
      const fail = (): void => this.#fail(stream);
      stream.on('error', fail);
      stream.on('end', fail);
      stream.on('data', (frame) => this.#receive(stream, frame));
      if (this.#client !== client) return stream.cancel();
      this.#stream = stream;
      this.#send(stream);
    } catch {
      // Refused, or not authenticated: the next beat tries elsewhere, and the expiry decides when it is too late.
      if (this.#client !== client) return;
      this.#calls.avoid(this.#endpoint);
      this.#dropStream();
    }
  }

  #send(stream: Stream): void {
    this.#sent.push(performance.now());
    stream.write({ ID: this.id });
  }

  #receive(stream: Stream, frame: ILeaseKeepAliveResponse): void {
    if (stream !== this.#stream) return;
    if (Number(frame.TTL) <= 0) {
      this.end(`lease ${this.id} was revoked or has expired`);
      return;
    }
    this.#renewedAt = this.#sent.shift() ?? this.#renewedAt;
    this.#watchExpiry();
  }

  #fail(stream: Stream): void {
    if (stream !== this.#stream) return;
    this.#calls.avoid(this.#endpoint);
    this.#dropStream();
    clearTimeout(this.#reopen);
    this.#reopen = setTimeout(() => this.#keepAlive(), REOPEN_MS);
  }

  #dropStream(): void {
    const [client, stream] = [this.#client, this.#stream];
    this.#client = null;
    this.#stream = null;
    this.#sent = [];
    stream?.cancel();
    client?.close();
  }
}
