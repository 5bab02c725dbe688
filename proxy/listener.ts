// The listening socket: explicit limits on what clients may take, and an end that lets them finish. Knows no table.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type AnswerCode, renderRawError } from './errors.ts';
import type { DataPlane } from './plane.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** In all; beyond, connections are closed at once. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** Longer than the usual 60 s of load balancers before us: the side that reuses should be the first to close. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 32_768;
const MAX_CONNECTIONS = 20_000;
/** While stopping: how long kept-alive connections get to hear `Connection: close` with a last answer. */
const LINGER_MS = 1_000;
const POLL_MS = 20;

export class Listener {
  readonly #plane: DataPlane;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(plane: DataPlane, options: Omit<ListenOptions, 'host' | 'port'>) {
    this.#plane = plane;
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
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    this.#listenTo(this.#server, options.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  listen(options: ListenOptions): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen({ host: options.host, port: options.port, backlog: 1_024 }, () => {
      this.#server.off('error', reject);
      const address = this.#server.address();
      if (address === null || typeof address === 'string') reject(new Error('The listener has no port.'));
      else resolve(address);
    });
    return promise;
  }

  /**
   * Answers go out with `Connection: close` first; then the port closes, with the connections that are idle; then
   * what still runs, WebSockets too, gets until the deadline.
   */
  async stop(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    this.#plane.closing = true;
    const linger = Math.min(LINGER_MS, deadlineMs / 2);
    if (this.#sockets.size > 0) await this.#until(() => this.#sockets.size === 0, performance.now() + linger);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#until(() => this.#sockets.size === 0, deadline);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#until(() => this.#sockets.size === 0, performance.now() + LINGER_MS);
  }

  #listenTo(server: Server, maxPerAddress: number): void {
    server.on('connection', (socket) => this.#admit(socket, maxPerAddress));
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

  #admit(socket: Socket, maxPerAddress: number): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    if (count > maxPerAddress) {
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, count);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
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
