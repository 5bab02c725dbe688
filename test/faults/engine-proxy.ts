// A proxy in front of the engine's socket that sees requests one by one, on kept connections too, and does to them what
// its gate says. Bodies and replies pass as they come: chunked ones, endless ones, and raw streams after an upgrade.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import { type Call, DELAY_MS, type FaultGate, type FaultKind } from './gate.ts';

export interface EngineProxy {
  /** As in DOCKER_HOST: `unix://…`. */
  readonly host: string;
  close(): Promise<void>;
}

export async function openEngineProxy(gate: FaultGate): Promise<EngineProxy> {
  const behind = findEngine();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fault-'));
  const path = join(folder, 'docker.sock');
  const server = createServer((asked, reply) => void relay({ gate, behind, asked, reply }));
  server.on('upgrade', (asked, socket, head) => void relayRaw({ gate, behind, asked, socket, head }));
  server.on('connection', (socket) => {
    const release = gate.holdConnection(() => socket.destroy());
    socket.once('close', release);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The engine that the tests use. */
function findEngine(): string {
  const endpoint = parseEndpoint(undefined, process.env);
  if (endpoint.kind !== 'unix') throw new Error('faults are put before a local engine only');
  return endpoint.path;
}

interface Request {
  readonly gate: FaultGate;
  /** The engine's own socket. */
  readonly behind: string;
  readonly asked: IncomingMessage;
  readonly reply: ServerResponse;
}

async function relay(given: Request): Promise<void> {
  const { gate, asked, reply } = given;
  if (gate.isSealed) return void asked.destroy();
  const fault = gate.take(describe(asked));
  if (fault === 'kill-before') return;
  if (fault === 'black-hole') return void asked.resume();
  if (fault === 'error') {
    asked.resume();
    reply.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"a fault was put here"}');
    return;
  }
  if (fault === 'delay') await sleep(DELAY_MS);
  forward(given, fault);
}

function forward({ gate, behind, asked, reply }: Request, fault: FaultKind | null): void {
  const { method, url, headers } = asked;
  const upstream = request({ socketPath: behind, method, path: url, headers, agent: false });
  const release = gate.holdConnection(() => upstream.destroy());
  upstream.once('close', release);
  upstream.once('error', () => reply.destroy());
  reply.once('close', () => upstream.destroy());
  upstream.once('response', (answer) => {
    if (fault === 'kill-after') return gate.kill();
    if (fault === 'freeze-after') gate.freeze();
    passOn(gate, answer, reply, fault === 'truncate');
  });
  asked.pipe(upstream);
}

function passOn(gate: FaultGate, answer: IncomingMessage, reply: ServerResponse, isTruncated: boolean): void {
  const { connection: _, 'keep-alive': __, ...headers } = answer.headers;
  reply.writeHead(answer.statusCode ?? 502, headers);
  reply.flushHeaders();
  if (isTruncated) {
    answer.once('data', (piece: Buffer) => reply.write(piece.subarray(0, piece.length / 2)));
    answer.once('end', () => reply.destroy());
    return;
  }
  const release = gate.holdStream(() => reply.destroy());
  answer.once('error', () => reply.destroy());
  answer.once('close', release);
  answer.pipe(reply);
}

interface RawRequest extends Omit<Request, 'reply'> {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** What an exec is told and says: the connection itself, after an upgrade. */
async function relayRaw(given: RawRequest): Promise<void> {
  const { gate, asked, socket } = given;
  socket.on('error', () => undefined);
  if (gate.isSealed) return void socket.destroy();
  const fault = gate.take(describe(asked));
  if (fault === 'kill-before' || fault === 'black-hole') return;
  if (fault === 'error')
    return void socket.end('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
  if (fault === 'delay') await sleep(DELAY_MS);
  joinRaw(given, fault);
}

function joinRaw({ gate, behind, asked, socket, head }: RawRequest, fault: FaultKind | null): void {
  const upstream = connect(behind);
  const release = gate.holdStream(() => upstream.destroy());
  upstream.once('close', release);
  upstream.once('data', () => {
    if (fault === 'kill-after') gate.kill();
    if (fault === 'freeze-after') gate.freeze();
    if (fault === 'truncate') socket.destroy();
  });
  const lines = asked.rawHeaders.flatMap((name, at, all) =>
    at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : [],
  );
  upstream.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  upstream.write(head);
  for (const [from, to] of [
    [socket, upstream],
    [upstream, socket],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}

/** The API version and identifiers are left out: what is asked, not of whom. */
function describe({ method = '', url = '' }: IncomingMessage): Call {
  const path = url.replace(/^\/v[0-9.]+/, '').replace(/\?.*$/, '');
  const what = path.replace(/^\/(containers|exec|networks|images)\/(?!json$|create$)[^/]+/, '/$1/*');
  const isChange = method !== 'GET' && method !== 'HEAD';
  return { side: 'engine', what: `${method} ${what}`, isChange, at: performance.now() };
}
