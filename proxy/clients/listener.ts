// The clients' connections, with and without TLS: explicit limits on what they may take, and an end that lets them finish.
// Knows no table, and listens nowhere itself: connections are passed to it.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Deadlines } from '../exchange/deadlines.ts';
import { untilTaken } from '../messages/turns.ts';
import { Handshakes } from '../tls/handshakes.ts';
import type { Admission, Limits } from './admission.ts';
import { Http1Connection } from './http1-connection.ts';
import type { Http1Place } from './http1-place.ts';
import { Http2Sessions } from './http2-sessions.ts';
import { adoptLine, type Line, lineOf } from './line.ts';
import type { DataPlane } from './plane.ts';

export interface ListenerOptions extends Limits {
  /** How long the head of a request may take; 15 s by default. */
  readonly headersTimeoutMs?: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** Longer than the usual 60 s of load balancers before us: the side that reuses should be the first to close. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 32_768;
/** How late a slow client may be told. */
const SWEEP_MS = 1_000;
/** Of a client of HTTP/2 that has requests in hand. */
const SILENCE_MS = 30_000;
/** What was cut off is gone after this. */
const CUT_MS = 1_000;
const POLL_MS = 20;

/** All from now on, in milliseconds. */
export interface Patience {
  /** Tunnels and event streams, which do not end by themselves, are ended one by one within this. */
  readonly streamsMs: number;
  /** Connections without a request are kept so long: one on which a client is just sending must not be closed. */
  readonly idleMs: number;
  /** What still runs then is cut off. */
  readonly requestsMs: number;
}

export class Listener {
  readonly #plane: DataPlane;
  readonly #http2: Http2Sessions;
  readonly handshakes: Handshakes;
  readonly admission: Admission;
  readonly #http1: Http1Place;

  constructor(plane: DataPlane, options: ListenerOptions, admission: Admission) {
    this.#plane = plane;
    this.handshakes = new Handshakes((socket) => this.#converseSecurely(socket));
    this.admission = admission;
    const headersTimeoutMs = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
    this.#http2 = new Http2Sessions(plane, {
      maxHeaderBytes: MAX_HEADER_BYTES,
      firstMs: headersTimeoutMs,
      idleMs: KEEP_ALIVE_MS,
      silenceMs: SILENCE_MS,
    });
    this.#http1 = {
      front: plane,
      deadlines: new Deadlines(SWEEP_MS),
      open: new Set(),
      limits: { maxHeaderBytes: MAX_HEADER_BYTES, headMs: headersTimeoutMs, idleMs: KEEP_ALIVE_MS },
      keepAlive: `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n`,
    };
  }

  /** A connection that somebody has accepted. Returns what it is known by from now on. */
  take(accepted: Socket, isSecure: boolean): Socket {
    if (isSecure) {
      this.admission.admit(accepted, () => this.handshakes.begin(accepted));
      return accepted;
    }
    // A header of the PROXY protocol is read from a stream.
    const line = this.admission.isIntroduced ? lineOf(accepted) : adoptLine(accepted);
    this.admission.admit(line.socket, () => this.#converse(line));
    return line.socket;
  }

  /** Answers go out with `Connection: close` from now on. */
  sayClose(): void {
    this.#plane.closing = true;
    this.#http2.sayClose();
  }

  /** Resolves when there is no connection, at the latest after this time. */
  async settle(ms: number): Promise<void> {
    await this.#until(() => this.admission.sockets.size === 0, performance.now() + ms);
  }

  /** Resolves when the last connection has ended or was cut off. */
  async drain({ streamsMs, idleMs, requestsMs }: Patience): Promise<void> {
    const deadline = performance.now() + requestsMs;
    this.#plane.streams.endWithin(streamsMs);
    await this.settle(idleMs);
    // What has come in by now is read first: after a pause of this process its timers run before that.
    await new Promise(setImmediate);
    for (const connection of [...this.#http1.open]) if (connection.isIdle) connection.socket.destroy();
    await this.#until(() => this.admission.sockets.size === 0, deadline);
    for (const socket of this.admission.sockets) socket.destroy();
    await this.settle(CUT_MS);
    // Of each request it is told how it ended.
    await untilTaken();
  }

  #converseSecurely(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#http2.converse(socket);
    else this.#converse(lineOf(socket));
  }

  #converse(line: Line): void {
    new Http1Connection(line, this.#http1);
  }

  async #until(isDone: () => boolean, deadline: number): Promise<void> {
    while (!isDone() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
