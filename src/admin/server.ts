// What both admin servers share: who is answered, which headers go out, how errors look, health, readiness, metrics.
// Loopback by default; no CORS: other origins have no business here.
import { once } from 'node:events';
import { Server } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Exposition } from '../telemetry/metrics.ts';
import { describeListenError, Refusal } from './errors.ts';
import { isAllowedHost } from './hosts.ts';

/** What is needed and whether it is there: null, or one sentence why not. */
export type Readiness = Readonly<Record<string, string | null>>;

export interface ServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Names with a dot that the server is reached by, beside `host`. */
  readonly allowedHosts: readonly string[];
  readonly ready: () => Readiness;
  /** What is wrong without keeping it from its work. */
  readonly warnings?: () => Readiness;
  readonly metrics: () => Promise<Exposition>;
  /** An exception that no client caused. */
  readonly onError: (error: unknown) => void;
}

export interface AdminServer {
  /** `host:port` as bound. */
  readonly address: string;
  /** The listening socket, for a process that takes this one's place. */
  readonly socket: Server;
  /** Accepts no more; what is open is answered once more, and told to come again. */
  retire(): void;
  /** Ends open requests and event streams. */
  close(): Promise<void>;
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export function createServer(options: ServerOptions): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: 16_384,
    requestTimeout: 10_000,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
  });
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (!isAllowedHost(request.headers.host, [options.host, ...options.allowedHosts])) {
      throw new Refusal(421, 'unknown-host', 'this host name is not served here');
    }
  });
  server.setErrorHandler((error, _request, reply) => answerError(error, reply, options));
  server.setNotFoundHandler(() => {
    throw new Refusal(404, 'not-found', 'nothing is here; /api/v1/services lists the services');
  });
  addHealth(server, options);
  return server;
}

function addHealth(server: FastifyInstance, { ready, warnings, metrics }: ServerOptions): void {
  server.get('/healthz', async () => ({ healthy: true }));
  server.get('/readyz', async (_request, reply) => {
    const missing = listProblems(ready());
    const beside = listProblems(warnings?.() ?? {});
    const more = Object.keys(beside).length === 0 ? {} : { warnings: beside };
    if (Object.keys(missing).length === 0) return { ready: true, ...more };
    return reply.code(503).send({ ready: false, missing, ...more });
  });
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.header('content-type', contentType).send(text);
  });
}

function listProblems(found: Readiness): Readiness {
  return Object.fromEntries(Object.entries(found).filter(([, problem]) => problem !== null));
}

/** Clients learn of their own mistakes in full, and of ours only that there was one. */
function answerError(error: unknown, reply: FastifyReply, { onError }: ServerOptions): FastifyReply {
  if (error instanceof Refusal) {
    return reply.code(error.status).send({ error: error.code, message: error.message });
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500 && error instanceof Error) {
    return reply.code(status).send({ error: 'bad-request', message: error.message });
  }
  onError(error);
  return reply.code(500).send({ error: 'internal-error', message: 'the request failed; the log says why' });
}

export interface ListenPlace {
  readonly host: string;
  readonly port: number;
  /** Gives the socket of the process whose place this one takes, instead of host and port. */
  readonly inherit?: () => Promise<Server | null>;
}

export async function listen(
  server: FastifyInstance,
  { host, port, inherit }: ListenPlace,
): Promise<AdminServer> {
  const { server: socket } = server;
  let close = async (): Promise<void> => await server.close();
  try {
    await server.ready();
    const inherited = (await inherit?.()) ?? null;
    if (inherited === null) await server.listen({ host, port });
    else close = await listenOn(server, inherited);
  } catch (error) {
    await server.close();
    throw describeListenError(error, host, port);
  }
  const bound = socket.address();
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port;
  const address = `${host.includes(':') ? `[${host}]` : host}:${actual}`;
  return { address, socket, retire: () => retire(socket), close };
}

/** Returns how it closes: Fastify ends open connections by itself only where it listened by its own means. */
async function listenOn(server: FastifyInstance, inherited: Server): Promise<() => Promise<void>> {
  const { server: socket } = server;
  socket.listen(inherited);
  await once(socket, 'listening');
  return async () => {
    socket.close();
    socket.closeAllConnections();
    await server.close();
  };
}

/** Of its connections those without a request stay as well, for another one may be on its way: hence not http's own `close`. */
function retire(socket: FastifyInstance['server']): void {
  socket.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  Server.prototype.close.call(socket);
}
