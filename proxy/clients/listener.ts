// The clients' connections, with and without TLS: explicit limits on what they may take, and an end that lets them finish.
// Knows no table, and listens nowhere itself: connections are passed to it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { AnswerCode } from '../errors.ts';
import { gatherWrites } from '../targets/gather.ts';
import { Handshakes } from '../tls/handshakes.ts';
import type { Admission, Limits } from './admission.ts';
import { Http2Sessions } from './http2-sessions.ts';
import { readOffer } from './offer.ts';
import type { DataPlane } from './plane.ts';
import { Turns, WaitingRoom } from './turns.ts';

export interface ListenerOptions extends Limits {
  /** How long the head of a request may take; 15 s by default. */
  readonly headersTimeoutMs?: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** Longer than the usual 60 s of load balancers before us: the side that reuses should be the first to close. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 32_768;
/** Requests that were read behind others of their connection and wait, over all connections. */
const MAX_WAITING = 20_000;
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
  readonly #server: Server;
  readonly #http2: Http2Sessions;
  readonly handshakes: Handshakes;
  readonly admission: Admission;
  /** By the socket that HTTP is spoken on: within TLS that is another one. */
  readonly #turns = new WeakMap<Socket, Turns>();
  readonly #room = new WaitingRoom(MAX_WAITING);

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
    this.#server = createServer({
      headersTimeout: headersTimeoutMs,
      // Bodies may take as long as they flow; each request's own idle timeout ends those that do not.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
      // One that comes behind another request is served as if it offered nothing.
      shouldUpgradeCallback: (request) =>
        isUpgrade(request) && this.#turnsOf(request.socket)?.isIdle === true,
    });
    this.#server.maxHeadersCount = 0;
    // Not in node's types: a client may end its side once it has sent its request, and is answered.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#listenTo(this.#server);
    // Begins its watch over slow clients; it would do so itself if it were the one that listens.
    this.#server.emit('listening');
  }

  /** A connection that somebody has accepted. */
  take(socket: Socket, isSecure: boolean): void {
    this.admission.admit(socket, () => {
      if (isSecure) this.handshakes.begin(socket);
      else this.#converse(socket);
    });
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
    // Closing the server would also end its watch over slow clients, which could then stay until the deadline.
    this.#server.closeIdleConnections();
    await this.#until(() => this.admission.sockets.size === 0, deadline);
    for (const socket of this.admission.sockets) socket.destroy();
    await this.settle(CUT_MS);
    this.#server.close();
  }

  #listenTo(server: Server): void {
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      this.#turnsOf(request.socket)?.take(response, () => this.#plane.serve({ request, response }));
    server.on('request', serve);
    server.on('checkContinue', serve);
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      this.#turnsOf(request.socket)?.take(response, () =>
        this.#plane.refuse({ request, response }, 'expectation-failed'),
      ),
    );
    server.on('upgrade', (request: IncomingMessage, socket: Socket, first: Buffer) => {
      this.#turnsOf(socket)?.forsake();
      this.#plane.upgrade(request, socket, first);
    });
    server.on('connect', ({ socket }: IncomingMessage) => this.#refuseConnect(socket));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const code = codeOf(error);
      if (code === null) socket.destroy();
      else this.#turnsOf(socket)?.refuse(code);
    });
  }

  #turnsOf(socket: Socket): Turns | undefined {
    return this.#turns.get(socket);
  }

  #converseSecurely(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#http2.converse(socket);
    else this.#converse(socket);
  }

  #converse(socket: Socket): void {
    this.#turns.set(socket, new Turns(socket, this.#room));
    gatherWrites(socket);
    this.#server.emit('connection', socket);
  }

  /** Node has let go of the connection: what a response that is under way still needs of it is for us to do. */
  #refuseConnect(socket: Socket): void {
    const turns = this.#turnsOf(socket);
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => turns?.goOn());
    turns?.refuse('no-tunnel');
  }

  async #until(isDone: () => boolean, deadline: number): Promise<void> {
    while (!isDone() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A request with a body does not go over. */
function isUpgrade(request: IncomingMessage): boolean {
  const { headers, method } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  return (
    method === 'GET' && request.httpVersion === '1.1' && !hasBody && readOffer(headers.upgrade ?? '') !== ''
  );
}

/** Null when it is the connection that has failed. */
function codeOf(error: NodeJS.ErrnoException): AnswerCode | null {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'header-too-large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  return error.code?.startsWith('HPE_') === true ? 'bad-request' : null;
}
