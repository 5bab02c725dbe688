// Real targets and a real proxy on loopback, each on a port that the system chooses, and raw clients for what node's own
// client would not send. Whatever is started here is stopped by `close`.
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net';
import type { RouteEntry } from '../../proxy/control.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../proxy/server.ts';

/** Trusted, where a test is the proxy before ours. */
export const LOOPBACK = { address: '127.0.0.0', prefix: 8 };

export interface TestTarget {
  readonly address: string;
  readonly server: Server;
  /** Open connections. */
  readonly sockets: ReadonlySet<Socket>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

export class Rig {
  readonly #closers: (() => Promise<void>)[] = [];
  readonly problems: string[] = [];
  proxy: RunningProxy | null = null;

  async target(listener: RequestListener): Promise<TestTarget> {
    const server = createServer(listener);
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    this.#closers.push(async () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    });
    return { address: `127.0.0.1:${portOf(server)}`, server, sockets };
  }

  /** A target that answers with its name. */
  named(name: string): Promise<TestTarget> {
    return this.target((_request, response) => response.end(name));
  }

  async start(options: Partial<ProxyOptions> = {}): Promise<RunningProxy> {
    const onProblem = (problem: string): unknown => this.problems.push(problem);
    const proxy = await startProxy({ host: '127.0.0.1', port: 0, onProblem, ...options });
    this.proxy = proxy;
    this.#closers.push(() => proxy.stop(0));
    return proxy;
  }

  onClose(closer: () => Promise<void>): void {
    this.#closers.push(closer);
  }

  /** Starts a proxy that serves these services. */
  async serve(
    services: Readonly<Record<string, RouteEntry>>,
    options: Partial<ProxyOptions> = {},
  ): Promise<number> {
    const proxy = await this.start(options);
    await proxy.sink.apply({ version: 1, services });
    return this.port;
  }

  get port(): number {
    const port = this.proxy?.addresses[0]?.port;
    if (port === undefined) throw new Error('The proxy is not started.');
    return port;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    this.#closers.length = 0;
  }
}

export function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}

/** One revision with all the weight. */
export function entryOf(targets: readonly TestTarget[], more: Partial<RouteEntry> = {}): RouteEntry {
  return {
    routes: [{ path: '/' }],
    split: { 1: 100 },
    roles: { stable: 1, candidate: null },
    targets: targets.map(({ address }) => ({ revision: 1, address })),
    ...more,
  };
}

/** Several revisions, one target each. */
export function splitOf(
  parts: readonly { readonly revision: number; readonly weight: number; readonly target: TestTarget }[],
  more: Partial<RouteEntry> = {},
): RouteEntry {
  return {
    routes: [{ path: '/' }],
    split: Object.fromEntries(parts.map(({ revision, weight }) => [revision, weight])),
    targets: parts.map(({ revision, target }) => ({ revision, address: target.address })),
    ...more,
  };
}

/** Rejects when the connection ends before the answer is whole. */
export function ask(
  port: number,
  { method = 'GET', path = '/', headers = {}, body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const fields = Object.fromEntries(
      Object.entries({ ...length, ...headers }).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : [...value],
      ]),
    );
    const asking = request(
      { port, host: '127.0.0.1', method, path, headers: fields, agent: false },
      (response) => {
        readText(response).then((text) => {
          const { statusCode = 0, headers: fields, rawHeaders, trailers } = response;
          resolve({ status: statusCode, body: text, headers: fields, rawHeaders, trailers });
        }, reject);
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

export async function readText(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Sends these bytes, and more once something comes back; returns everything that comes until the connection ends. */
export function talk(port: number, text: string, more = ''): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    if (more !== '') socket.once('data', () => socket.write(more, 'latin1'));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(received));
  });
}

/** Waits for a fact, for 15 s at most. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
