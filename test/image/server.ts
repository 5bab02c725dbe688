// The web service that tests, demo and benchmarks release: node:http alone, its behaviour set by the environment
// (see behaviour). Ends at SIGTERM as a good service does: no new connections, in-flight requests finished, exit 0.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { type Behaviour, readBehaviour, scheduleEnd } from './behaviour.ts';
import { type Counters, createEndpoints } from './endpoints.ts';
import { acceptEcho } from './websocket.ts';

interface Running {
  readonly server: Server;
  stop(): void;
}

function createRunning(behaviour: Behaviour, counters: Counters): Running {
  const open = new Set<ServerResponse>();
  const sockets = new Set<() => void>();
  const ids = new Set<string>();
  const endpoints = createEndpoints({ behaviour, counters, open, ids });
  let isStopping = false;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    count(counters, url.pathname, response);
    remember(ids, request);
    response.setHeader('x-version', behaviour.version);
    response.setHeader('x-replica', hostname());
    response.setHeader('x-state', isStopping ? 'stopping' : describeState(behaviour, counters));
    if (isStopping) response.setHeader('connection', 'close');
    response.on('close', () => {
      if (isStopping) setImmediate(() => server.closeIdleConnections());
    });
    const answer = endpoints.get(url.pathname);
    if (answer !== undefined) answer(request, response, url.searchParams);
    else response.writeHead(404).end(`no such path: ${url.pathname}\n`);
  });
  server.keepAliveTimeout = 60_000;
  server.on('upgrade', (request, socket, head) => {
    count(counters, 'upgrade', socket);
    const close = acceptEcho(request, socket, head, { version: behaviour.version, replica: hostname() });
    sockets.add(close);
    socket.on('close', () => sockets.delete(close));
  });
  const stop = (): void => {
    isStopping = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    for (const response of open) response.end();
    for (const close of sockets) close();
  };
  return { server, stop };
}

/** What the server is when a request arrives: a load generator takes anything but `ready` as misrouted. */
function describeState({ readyDelayMs }: Behaviour, { startedAt }: Counters): 'ready' | 'starting' {
  return performance.now() - startedAt >= readyDelayMs ? 'ready' : 'starting';
}

function count(counters: Counters, path: string, exchange: ServerResponse | Duplex): void {
  counters.requests += 1;
  counters.inFlight += 1;
  counters.byPath[path] = (counters.byPath[path] ?? 0) + 1;
  exchange.on('close', () => {
    counters.inFlight -= 1;
  });
}

/** The latest ones: enough for every test, and no memory without end. */
const MOST_IDS = 50_000;

function remember(ids: Set<string>, { headers }: IncomingMessage): void {
  const id = headers['x-load-id'];
  if (typeof id !== 'string') return;
  ids.add(id);
  const [oldest] = ids.size > MOST_IDS ? ids : [];
  if (oldest !== undefined) ids.delete(oldest);
}

function main(): void {
  const behaviour = readBehaviour(process.env);
  if (behaviour.exitAtOnce) {
    console.error('fatal: refused to start, as told by EXIT_AT_ONCE');
    process.exit(behaviour.exitCode);
  }
  const { server, stop } = createRunning(behaviour, {
    startedAt: performance.now(),
    requests: 0,
    inFlight: 0,
    byPath: {},
  });
  process.on('SIGTERM', () => {
    console.log(
      behaviour.ignoreSigterm ? 'SIGTERM ignored, as told by IGNORE_SIGTERM' : 'SIGTERM: finishing',
    );
    if (!behaviour.ignoreSigterm) stop();
  });
  process.on('SIGINT', stop);
  const listen = (): void => {
    server.listen(behaviour.port, () =>
      console.log(`version ${behaviour.version} listens on ${behaviour.port}`),
    );
  };
  if (behaviour.listenDelayMs > 0) setTimeout(listen, behaviour.listenDelayMs);
  else listen();
  scheduleEnd(behaviour);
}

main();
