// An engine of a few answers on a socket of its own: for replies that a real one gives too seldom, or never.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineEndpoint } from '../../deploy/endpoint.ts';

/** By method and path without the API version: `GET /info`. A value is sent as JSON with 200. */
export type Answers = Readonly<Record<string, unknown>>;
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface StandIn {
  readonly endpoint: EngineEndpoint;
  /** Every request but those for the version, in order. */
  readonly asked: readonly string[];
  /** Takes no new connections; those that are open it answers on. */
  refuse(): void;
  /** Connections that are open. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

const VERSION = { ApiVersion: '1.41', MinAPIVersion: '1.12', Version: '20.10.0' };

export async function openStandIn(answers: Answers, kind: 'unix' | 'tcp' = 'unix'): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-engine-'));
  const path = join(folder, 'engine.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const [route = ''] = (request.url ?? '').replace(/^\/v[\d.]+/, '').split('?');
    const name = `${request.method} ${decodeURIComponent(route)}`;
    if (name === 'GET /version' && !('GET /version' in answers)) return reply(response, VERSION);
    asked.push(name);
    const answer = answers[name];
    if (typeof answer === 'function') (answer as Answer)(request, response);
    else if (answer === undefined) fail(404, `no such thing: ${name}`)(request, response);
    else reply(response, answer);
  });
  await new Promise<void>((resolve) =>
    kind === 'unix' ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: kind === 'unix' ? { kind, path } : { kind, host: '127.0.0.1', port, tls: null },
    asked,
    // An HTTP server's own way would end idle connections too.
    refuse: () => void Server.prototype.close.call(server),
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function reply(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

export function fail(status: number, message: string): Answer {
  return (_, response) => reply(response, { message }, status);
}

/** Takes the request and never answers. */
export const silence: Answer = () => undefined;
