// When a permit is asked on a connection of its own: after the last wait before the request leaves, with TLS after the
// handshake.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, Agent as HttpAgent, type RequestListener, request } from 'node:http';
import {
  createServer as createSecureServer,
  Agent as HttpsAgent,
  request as secureRequest,
} from 'node:https';
import { connect, createServer as createRelay, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { guardConnection } from '../../deploy/docker-permit.ts';
import { issue } from '../support/certificates.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-permit-'));
  await issue(folder, 'ca', null);
  await issue(folder, 'engine', 'ca');
});
afterAll(() => rmSync(folder, { recursive: true }));

const closing: Server[] = [];
afterEach(async () => {
  for (const server of closing.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(server);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Between the caller and the engine: connects at once, and calls when the engine's first bytes come back. */
async function openRelay(port: number, onReply: () => void): Promise<number> {
  const relay = createRelay((client) => {
    const engine = connect(port, '127.0.0.1');
    client.pipe(engine);
    engine.once('data', onReply);
    engine.on('data', (bytes) => client.write(bytes));
    client.on('error', () => engine.destroy());
    client.on('close', () => engine.destroy());
    engine.on('error', () => client.destroy());
    engine.on('close', () => client.destroy());
  });
  return await listen(relay);
}

const read = (name: string) => readFileSync(join(folder, name));

/** What became of a request whose permit is lost in the middle of the handshake, if there is one. */
async function send(isSecure: boolean): Promise<{ asked: number; outcome: string }> {
  let asked = 0;
  const answer: RequestListener = (_, reply) => {
    asked += 1;
    reply.end('done');
  };
  const identity = { key: read('engine.key'), cert: read('engine.pem') };
  const engine = isSecure ? createSecureServer(identity, answer) : createServer(answer);
  let isPermitted = true;
  const port = await openRelay(await listen(engine), () => {
    isPermitted = false;
  });
  const agent = guardConnection(isSecure ? new HttpsAgent() : new HttpAgent(), () => isPermitted, 'stop web');
  const options = { host: '127.0.0.1', port, agent, ca: read('ca.pem') };
  const outcome = await new Promise<string>((resolve) => {
    const call = (isSecure ? secureRequest : request)(options, (reply) => {
      reply.resume();
      resolve(`answered ${reply.statusCode}`);
    });
    call.once('error', (error) => resolve(error.message));
    call.end();
  });
  agent.destroy();
  return { asked, outcome };
}

it('over TLS after the handshake: a call whose permit is lost in it never leaves', async () => {
  expect(await send(true)).toEqual({ asked: 0, outcome: 'stop web: another controller may lead by now' });
});

it('without TLS at the connection: the engine’s first word is already its answer', async () => {
  expect(await send(false)).toEqual({ asked: 1, outcome: 'answered 200' });
});
