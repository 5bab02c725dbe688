// Server-sent events over real HTTP: replay, filter, heartbeats, slow and many clients, the end.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startWorld } from './world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(over: Parameters<typeof startWorld>[0] = {}) {
  const world = await startWorld(over);
  closing.push(() => world.close());
  return world;
}

/** An open stream, with all that has come and a way to wait for more. */
async function listen(address: string, headers: Readonly<Record<string, string>> = {}, query = '') {
  const [host, port] = address.split(':');
  const sent = request({ host, port, path: `/api/v1/events${query}`, headers, agent: false });
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  closing.push(() => response.destroy());
  let text = '';
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  const until = async (part: string): Promise<string> => {
    while (!text.includes(part)) await once(response, 'data', { signal: AbortSignal.timeout(10_000) });
    return text;
  };
  return { response, until, ended: new Promise((resolve) => response.once('close', resolve)) };
}

test('an event has id, kind and one line of data', async () => {
  const { address, events } = await start();
  const stream = await listen(address);
  expect(stream.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  await stream.until('retry: 2000\n\n');
  events.emit({ kind: 'phase-changed', service: 'web', from: 'idle', to: 'progressing', reason: null });
  const text = await stream.until('"progressing"');
  expect(text).toMatch(
    /^id: \w+-1\nevent: phase-changed\ndata: \{"at":"[^"]+","kind":"phase-changed","service":"web".*\}$/m,
  );
});

test('who comes back gets what it missed, and nothing twice', async () => {
  const { address, events } = await start();
  const ids: string[] = [];
  events.subscribe(({ id }) => ids.push(id));
  for (const kind of ['leader-gained', 'store-lost', 'store-connected'] as const) events.emit({ kind });
  const stream = await listen(address, { 'last-event-id': ids[0] ?? '' });
  events.emit({ kind: 'leader-lost' });
  const text = await stream.until('leader-lost');
  expect([...text.matchAll(/^event: (.*)$/gm)].map(([, kind]) => kind)).toEqual([
    'store-lost',
    'store-connected',
    'leader-lost',
  ]);
});

test('a gap is told first', async () => {
  const { address, events } = await start();
  events.emit({ kind: 'leader-gained' });
  const stream = await listen(address, { 'last-event-id': 'another-1' });
  const text = await stream.until('leader-gained');
  expect([...text.matchAll(/^event: (.*)$/gm)].map(([, kind]) => kind)).toEqual(['gap', 'leader-gained']);
});

test('one service, and what concerns all', async () => {
  const { address, events } = await start();
  const stream = await listen(address, {}, '?service=web');
  for (const service of ['shop', 'web']) {
    events.emit({ kind: 'action-done', service, action: 'start', subject: `${service}-r1-1` });
  }
  events.emit({ kind: 'leader-lost' });
  const text = await stream.until('leader-lost');
  expect(text).toContain('web-r1-1');
  expect(text).not.toContain('shop-r1-1');
});

test('heartbeats keep the line alive', async () => {
  const { address } = await start({ heartbeatMs: 10 });
  const stream = await listen(address);
  expect(await stream.until(': still here\n\n: still here')).toContain('retry');
});

/** A stream on a bare socket, which counts what it reads. */
async function listenBare(address: string) {
  const [host = '', port = ''] = address.split(':');
  const socket = connect(Number(port), host);
  closing.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

test('a client that does not read is cut off, and others go on', async () => {
  const { address, events } = await start({ maxBufferBytes: 1_000_000 });
  const slow = await listenBare(address);
  slow.pause();
  const reader = await listenBare(address);
  const subject = 'x'.repeat(200_000);
  const rounds = 200;
  for (let round = 1; round <= rounds; round += 1) {
    events.emit({ kind: 'action-done', service: 'web', action: 'start', subject });
    while (reader.bytesRead < round * subject.length) {
      await once(reader, 'data', { signal: AbortSignal.timeout(10_000) });
    }
  }
  const cut = once(slow, 'close', { signal: AbortSignal.timeout(10_000) });
  slow.resume();
  await cut;
  expect(slow.bytesRead).toBeLessThan(rounds * subject.length);
  expect(reader.destroyed).toBe(false);
});

test('too many streams: 503 for the next, until one leaves', async () => {
  const { address } = await start();
  const streams = [];
  for (let index = 0; index < 64; index += 1) streams.push(await listen(address));
  expect((await listen(address)).response.statusCode).toBe(503);
  streams[0]?.response.destroy();
  await expect.poll(async () => (await listen(address)).response.statusCode, { timeout: 5000 }).toBe(200);
});

test('a stranger host gets no stream', async () => {
  const { address } = await start();
  expect((await listen(address, { host: 'evil.example.com' })).response.statusCode).toBe(421);
});

test('close ends open streams', async () => {
  const world = await startWorld();
  const stream = await listen(world.address);
  await stream.until('retry');
  await world.close();
  await stream.ended;
  expect(stream.response.complete).toBe(true);
});
