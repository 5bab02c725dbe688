// What the test web server answers, path by path. Counts requests; knows nothing of how the server starts or ends.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import type { Behaviour } from './behaviour.ts';

const CHUNK = Buffer.alloc(4096, 'slipway ');
const CHUNK_INTERVAL_MS = 100;

export interface Counters {
  readonly startedAt: number;
  requests: number;
  inFlight: number;
  readonly byPath: Record<string, number>;
}

export interface World {
  readonly behaviour: Behaviour;
  readonly counters: Counters;
  /** Answers without an end (`/sse`), for whoever stops the server. */
  readonly open: Set<ServerResponse>;
  /** What clients called their requests (`x-load-id`). */
  readonly ids: ReadonlySet<string>;
}

type Answer = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

/** All endpoints by path. */
export function createEndpoints({ behaviour, counters, open, ids }: World): ReadonlyMap<string, Answer> {
  const isFailing = createFailures(behaviour.failRate);
  const identity = () => ({ version: behaviour.version, host: hostname(), requests: counters.requests });
  return new Map<string, Answer>([
    [
      '/',
      (_request, response) => sendJson(response, isFailing() ? 500 : 200, identity(), behaviour.latencyMs),
    ],
    // A file that no other version has.
    [`/assets/${behaviour.version}.js`, (_request, response) => sendJson(response, 200, identity(), 0)],
    ['/health', (_request, response) => sendHealth(response, behaviour, counters.startedAt)],
    [
      '/slow',
      (_request, response, query) => sendJson(response, 200, identity(), Number(query.get('ms') ?? 1000)),
    ],
    ['/download', (_request, response, query) => sendDownload(response, Number(query.get('seconds') ?? 10))],
    ['/sse', (_request, response) => sendEvents(response, open)],
    ['/echo', (request, response) => sendEcho(request, response)],
    ['/headers', (request, response) => sendJson(response, 200, request.headers, 0)],
    ['/env', (_request, response) => sendJson(response, 200, process.env, 0)],
    ['/file', (request, response, query) => sendFile(request, response, query.get('path') ?? '')],
    ['/crash', (_request, _response, query) => crash(Number(query.get('code') ?? 1))],
    ['/stats', (_request, response) => sendJson(response, 200, { ...identity(), ...counters }, 0)],
    ['/seen', (_request, response, query) => sendSeen(response, query.getAll('id'), ids)],
  ]);
}

/** Spreads failures evenly: true whenever the sum of the rate passes a whole number. */
function createFailures(rate: number): () => boolean {
  let sum = 0;
  return () => {
    sum += rate;
    if (sum < 1 - 1e-9) return false;
    sum -= 1;
    return true;
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown, delayMs: number): void {
  const text = `${JSON.stringify(body)}\n`;
  const send = (): void => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  };
  if (delayMs > 0) setTimeout(send, delayMs);
  else send();
}

function sendHealth(response: ServerResponse, behaviour: Behaviour, startedAt: number): void {
  const age = performance.now() - startedAt;
  const isWornOut = behaviour.unhealthyAfterMs > 0 && age >= behaviour.unhealthyAfterMs;
  const isSick = isWornOut || (behaviour.sickWhile !== '' && existsSync(behaviour.sickWhile));
  const isReady = age >= behaviour.readyDelayMs && !isSick;
  const status = behaviour.healthStatus || (isReady ? 200 : 503);
  sendJson(response, status, { status: status < 300 ? 'ok' : isSick ? 'sick' : 'not ready' }, 0);
}

/** A body of known length (`content-length`) and checksum (`x-sha256`), in even pieces over the given time. */
function sendDownload(response: ServerResponse, seconds: number): void {
  const chunks = Math.max(1, Math.round((seconds * 1000) / CHUNK_INTERVAL_MS));
  const sum = createHash('sha256');
  for (let chunk = 0; chunk < chunks; chunk += 1) sum.update(CHUNK);
  response.writeHead(200, { 'content-length': chunks * CHUNK.length, 'x-sha256': sum.digest('hex') });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    response.write(CHUNK);
    if (sent < chunks) return;
    clearInterval(timer);
    response.end();
  }, CHUNK_INTERVAL_MS);
  response.on('close', () => clearInterval(timer));
}

function sendEvents(response: ServerResponse, open: Set<ServerResponse>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let event = 0;
  const send = (): void => {
    event += 1;
    response.write(`id: ${event}\ndata: ${event}\n\n`);
  };
  send();
  const timer = setInterval(send, CHUNK_INTERVAL_MS);
  open.add(response);
  response.on('close', () => {
    clearInterval(timer);
    open.delete(response);
  });
}

function sendEcho(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-type': type = 'application/octet-stream', 'content-length': length } = request.headers;
  response.writeHead(200, {
    'content-type': type,
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  request.pipe(response);
}

/** At once, with the request unanswered. */
function crash(code: number): void {
  console.error(`fatal: crashed with code ${code}, as told by /crash`);
  process.exit(code);
}

/** Reads secrets and configuration that are delivered as files; PUT makes one, DELETE takes it away. */
function sendFile({ method }: IncomingMessage, response: ServerResponse, path: string): void {
  try {
    if (method === 'PUT') writeFileSync(path, '');
    if (method === 'DELETE') rmSync(path);
    response.end(method === 'DELETE' ? '' : readFileSync(path));
  } catch (error) {
    sendJson(response, 404, { error: String(error) }, 0);
  }
}

/** Those of the ids that have come here. */
function sendSeen(response: ServerResponse, asked: readonly string[], ids: ReadonlySet<string>): void {
  sendJson(
    response,
    200,
    asked.filter((id) => ids.has(id)),
    0,
  );
}
