import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, entryOf, Rig, readText, type TestTarget, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** Echoes over WebSockets, streams events at `/events` without an end, and says `slow` at `/slow` when it is let. */
async function busy(): Promise<TestTarget & { readonly releases: (() => void)[]; readonly ends: number[] }> {
  const [releases, ends]: [(() => void)[], number[]] = [[], []];
  const target = await rig.target((incoming, response) => {
    if (incoming.url === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: first\n\n');
    } else if (incoming.url === '/slow') releases.push(() => response.end('slow'));
    else response.end('fast');
  });
  const sockets = new WebSocketServer({ server: target.server });
  sockets.on('connection', (socket) => {
    socket.on('message', (message) => socket.send(`echo ${message}`));
    socket.on('close', (code) => ends.push(code));
  });
  return { ...target, releases, ends };
}

describe('a proxy whose port another one serves', () => {
  it.each([1, 2])(
    'answers what it has in hand, and what comes on open connections, with %i workers',
    async (workers) => {
      const target = await busy();
      const port = await rig.serve({ web: entryOf([target]) }, { workers });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const get = (path: string): Promise<IncomingMessage> =>
        new Promise((resolve, reject) => {
          request({ port, host: '127.0.0.1', path, agent }, (response) => resolve(response.resume()))
            .on('error', reject)
            .end();
        });
      expect((await get('/fast')).headers.connection).toBe('keep-alive');
      const slow = ask(port, { path: '/slow' });
      await until(() => target.releases.length === 1, 'the target is asked');
      let isOver = false;
      const retiring = rig.proxy?.retire(10_000).then(() => {
        isOver = true;
      });
      await expect(ask(port)).rejects.toThrow(/ECONNREFUSED/);
      await sleep(100);
      expect((await get('/fast')).headers.connection).toBe('close');
      expect(isOver).toBe(false);
      for (const release of target.releases) release();
      expect(await slow).toMatchObject({ status: 200, body: 'slow', headers: { connection: 'close' } });
      await retiring;
      agent.destroy();
    },
  );

  it('takes its leave of WebSockets on both sides, and ends event streams whole', async () => {
    const target = await busy();
    const port = await rig.serve({ web: entryOf([target]) });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('echo hello');
    const events = request({ port, host: '127.0.0.1', path: '/events', agent: false }).end();
    const response = await new Promise<IncomingMessage>((resolve) => events.once('response', resolve));
    const closed = once(socket, 'close');
    const retiring = rig.proxy?.retire(100);
    expect((await closed)[0]).toBe(1001);
    expect(await readText(response)).toBe('data: first\n\n');
    expect(response.complete).toBe(true);
    await until(() => target.ends.length === 1, 'the target has heard of it');
    expect(target.ends).toEqual([1001]);
    await retiring;
    await until(() => target.sockets.size === 0, 'no connection to the target is left');
  });

  it('serves what came in while its process stood still, at the end of the window', async () => {
    const target = await busy();
    const port = await rig.serve({ web: entryOf([target]) });
    const clients = await Promise.all(
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', ''].map(async (before) => {
        const client = connect(port, '127.0.0.1');
        await once(client, 'connect');
        if (before !== '') {
          client.write(before);
          await once(client, 'data');
        }
        return client;
      }),
    );
    await until(async () => (await rig.proxy?.stats())?.connections === 2, 'both are accepted');
    const retiring = rig.proxy?.retire(200);
    await sleep(20);
    const answers = clients.map(async (client) => {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      return String((await once(client, 'data'))[0]);
    });
    for (const end = performance.now() + 400; performance.now() < end; );
    for (const answer of answers) expect(await answer).toMatch(/Connection: close[\s\S]*fast$/);
    await retiring;
  });

  it('closes what says nothing at the end of the window', async () => {
    const target = await busy();
    const port = await rig.serve({ web: entryOf([target]) });
    const idle = connect(port, '127.0.0.1');
    idle.on('error', () => idle.destroy()).resume();
    idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    await rig.proxy?.retire(200);
    await closed;
    expect((await rig.proxy?.stats())?.connections).toBe(0);
  });
});
