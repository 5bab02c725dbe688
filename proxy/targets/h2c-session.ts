// One connection of HTTP/2 to a target that knows no TLS, and how many streams it may still carry. Nothing goes out on it
// before the target has said that it speaks HTTP/2, nor, after a silence, before it has answered a PING: what is sent then
// is hardly ever lost, and a target that is dead or on its way out takes no request.
import { type ClientHttp2Session, connect, type Http2Session } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import type { TargetError } from '../errors.ts';

/** TCP's own probes tell when the machine of a target has gone. */
const PROBE_MS = 1_000;
const PROVE_AFTER_MS = 1_000;
/** How long the answer to a PING may take; who waits for it gives up as soon. */
const PROVE_MS = 1_000;
/** Until the target has said how many it takes. */
const ASSUMED_STREAMS = 100;
const MAX_STREAMS = 1_000_000;
/** Back-pressure bounds what waits to be sent; beyond this node resets streams. */
const SESSION_MEGABYTES = 32;

/** A request that waits for a place. */
export interface Guest {
  onSeated(session: H2cSession): void;
  onUnseated(reason: TargetError): void;
}

export interface SessionEvents {
  /** It takes no more than it has: the guests go elsewhere. */
  onFull(guests: readonly Guest[]): void;
  /** It takes none any more. */
  onLeaving(session: H2cSession): void;
}

export class H2cSession {
  readonly http2: ClientHttp2Session;
  readonly #events: SessionEvents;
  readonly #maxStreams: number;
  #guests: Guest[] = [];
  #streams = 0;
  #begun = 0;
  #capacity = ASSUMED_STREAMS;
  #isReady = false;
  /** It has not answered a PING in time. */
  #isSilent = false;
  #isLeaving = false;
  #isUsed = false;
  #heardAt = 0;
  #error: NodeJS.ErrnoException | null = null;
  /** By `performance.now()`, of one without a stream. */
  idleSince = performance.now();

  constructor(host: string, port: number, events: SessionEvents, maxStreams = MAX_STREAMS) {
    this.#events = events;
    this.#maxStreams = maxStreams;
    const authority = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS };
    this.http2 = connect(authority, {
      createConnection: () => connectPlain(options),
      settings: { enablePush: false },
      maxSessionMemory: SESSION_MEGABYTES,
      // Requests of many clients share the table: how well one is compressed would tell of another.
      maxDeflateDynamicTableSize: 0,
    });
    this.http2.unref();
    this.#listenTo(this.http2);
  }

  #listenTo(http2: Http2Session): void {
    http2.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.#capacity = maxConcurrentStreams ?? ASSUMED_STREAMS;
      this.hear();
      this.#isReady = true;
      this.#seatGuests();
    });
    http2.on('goaway', () => this.#leave());
    http2.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error;
      this.#isLeaving = true;
    });
    http2.on('close', () => this.#lose());
  }

  /** It had carried another request before. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  get isBusy(): boolean {
    return this.#streams + this.#guests.length > 0;
  }

  get hasRoom(): boolean {
    if (this.#isLeaving || this.#isSilent || this.http2.closed || this.http2.destroyed) return false;
    return this.#streams + this.#guests.length < this.#capacity;
  }

  /** The target has said something. */
  hear(): void {
    this.#heardAt = performance.now();
    this.#isSilent = false;
  }

  /** True when the guest has its place at once; otherwise it hears of it. */
  seat(guest: Guest): boolean {
    if (this.#isReady && performance.now() - this.#heardAt > PROVE_AFTER_MS) this.#prove();
    if (this.#isReady) {
      this.#begin(1);
      return true;
    }
    this.#guests.push(guest);
    return false;
  }

  /** Waits no more. A connection that nobody waits for is not made: the next one gets another, which may be quicker. */
  forget(guest: Guest): boolean {
    const index = this.#guests.indexOf(guest);
    if (index < 0) return false;
    this.#guests.splice(index, 1);
    if (this.#heardAt === 0 && this.#guests.length === 0) this.http2.destroy();
    return true;
  }

  /** A stream has ended, or its place was not used. */
  release(): void {
    this.#isUsed = true;
    this.#streams -= 1;
    this.idleSince = performance.now();
  }

  /** What is in hand goes on to its end. */
  close(): void {
    this.#isLeaving = true;
    this.http2.close();
  }

  /** Why its streams have failed. */
  reason(): TargetError {
    return classify(this.#error?.code ?? '', this.#isReady);
  }

  /** A session has numbers for 2³⁰ streams: another takes its place long before they run out. */
  #begin(count: number): void {
    this.#streams += count;
    this.#begun += count;
    if (this.#begun < this.#maxStreams || this.#isLeaving) return;
    this.#leave();
    // The last one is about to begin.
    setImmediate(() => this.http2.close());
  }

  #prove(): void {
    this.#isReady = false;
    const timer = setTimeout(() => {
      this.#isSilent = true;
    }, PROVE_MS).unref();
    const isSent = this.http2.ping((error: Error | null) => {
      clearTimeout(timer);
      if (error !== null) return;
      this.hear();
      this.#isReady = true;
      this.#seatGuests();
    });
    if (!isSent) clearTimeout(timer);
  }

  #seatGuests(): void {
    const guests = this.#guests;
    const seated = this.#isLeaving ? [] : guests.slice(0, Math.max(0, this.#capacity - this.#streams));
    this.#guests = [];
    this.#begin(seated.length);
    for (const guest of seated) guest.onSeated(this);
    if (seated.length < guests.length) this.#events.onFull(guests.slice(seated.length));
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#events.onLeaving(this);
    if (this.#guests.length > 0) this.#events.onFull(this.#guests.splice(0));
  }

  #lose(): void {
    this.#isLeaving = true;
    this.#events.onLeaving(this);
    for (const guest of this.#guests.splice(0)) guest.onUnseated(this.reason());
  }
}

function classify(code: string, isReady: boolean): TargetError {
  if (code.startsWith('ERR_HTTP2')) return 'invalid-response';
  if (isReady) return 'reset';
  if (code === 'ECONNREFUSED') return 'connect-refused';
  return code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed';
}
