// The clients' connections: explicit limits on what they may take, and an end that lets them finish. Knows no table, and
// listens nowhere itself: connections are passed to it.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type AnswerCode, renderRawError } from './errors.ts';
import type { DataPlane } from './plane.ts';

export interface Limits {
  /** In all; beyond, connections are closed at once. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** Longer than the usual 60 s of load balancers before us: the side that reuses should be the first to close. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 32_768;
const MAX_CONNECTIONS = 20_000;
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
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  readonly #most: number;
  readonly #mostPerAddress: number;

  constructor(plane: DataPlane, limits: Limits) {
    this.#plane = plane;
    this.#most = limits.maxConnections ?? MAX_CONNECTIONS;
    this.#mostPerAddress = limits.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY;
    this.#server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Bodies may take as long as they flow; each request's own idle timeout ends those that do not.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
      shouldUpgradeCallback: isUpgrade,
    });
    this.#server.maxHeadersCount = 0;
    this.#listenTo(this.#server);
    // Begins its watch over slow clients; it would do so itself if it were the one that listens.
    this.#server.emit('listening');
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** A connection that somebody has accepted. */
  take(socket: Socket): void {
    if (this.#admit(socket)) this.#server.emit('connection', socket);
    else socket.destroy();
  }

  /** Answers go out with `Connection: close` from now on. */
  sayClose(): void {
    this.#plane.closing = true;
  }

  /** Resolves when there is no connection, at the latest after this time. */
  async settle(ms: number): Promise<void> {
    await this.#until(() => this.#sockets.size === 0, performance.now() + ms);
  }

  /** Resolves when the last connection has ended or was cut off. */
  async drain({ streamsMs, idleMs, requestsMs }: Patience): Promise<void> {
    const deadline = performance.now() + requestsMs;
    this.#plane.streams.endWithin(streamsMs);
    await this.settle(idleMs);
    this.#server.close();
    await this.#until(() => this.#sockets.size === 0, deadline);
    for (const socket of this.#sockets) socket.destroy();
    await this.settle(CUT_MS);
  }

  #listenTo(server: Server): void {
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      this.#plane.serve(request, response);
    server.on('request', serve);
    server.on('checkContinue', serve);
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      this.#plane.refuse({ request, response }, 'expectation-failed'),
    );
    server.on('upgrade', (request: IncomingMessage, socket: Socket, first: Buffer) =>
      this.#plane.upgrade(request, socket, first),
    );
    server.on('connect', (_request: IncomingMessage, socket: Duplex) => refuseRaw(socket, 'no-tunnel'));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
      refuseRaw(socket, codeOf(error)),
    );
  }

  /** False when the limits leave no room for it. */
  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    if (count > this.#mostPerAddress || this.#sockets.size >= this.#most) return false;
    this.#perAddress.set(address, count);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    return true;
  }

  async #until(isDone: () => boolean, deadline: number): Promise<void> {
    while (!isDone() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A request with a body does not go over, and `h2c` is an offer that may be left alone (RFC 9110 7.8). */
function isUpgrade(request: IncomingMessage): boolean {
  const { headers, method } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  return method === 'GET' && !hasBody && headers.upgrade?.toLowerCase() !== 'h2c';
}

function codeOf(error: NodeJS.ErrnoException): AnswerCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'header-too-large';
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'bad-request';
}

function refuseRaw(socket: Duplex, code: AnswerCode): void {
  socket.on('error', () => socket.destroy());
  if (socket.writable) socket.end(renderRawError(code, randomUUID()), () => socket.destroy());
  else socket.destroy();
}
