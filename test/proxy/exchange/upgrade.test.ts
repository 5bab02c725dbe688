import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { takeTurn } from '../../../proxy/messages/turns.ts';
import { burn } from '../clients/http1-stage.ts';
import { entryOf, Rig, type TestTarget, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

async function echo(): Promise<TestTarget> {
  const target = await rig.target((_incoming, response) =>
    response.writeHead(426, { 'Content-Length': 2 }).end('no'),
  );
  const sockets = new WebSocketServer({ server: target.server });
  sockets.on('connection', (socket) => {
    socket.on('message', (message) => socket.send(`echo ${message}`));
    socket.on('error', () => socket.terminate());
  });
  rig.onClose(async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  return target;
}

/** A target that goes over to a protocol of its own, and says something in the same breath as its 101. */
async function raw(
  onSocket: (incoming: IncomingMessage, socket: Socket, first: Buffer) => void,
): Promise<TestTarget> {
  const target = await rig.target((_incoming, response) => response.end('plain'));
  target.server.on('upgrade', (incoming: IncomingMessage, socket: Socket, first: Buffer) => {
    socket.on('error', () => socket.destroy());
    onSocket(incoming, socket, first);
  });
  return target;
}

async function opened(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat?a=1`);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

const inFlight = async (): Promise<number | undefined> =>
  (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight;

const HEAD = 'GET /t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n';

describe('a connection that goes over to another protocol', () => {
  it('carries messages both ways, counts as in flight until it ends, and keeps its retired target busy', async () => {
    const target = await echo();
    const port = await rig.serve({ web: entryOf([target]) });
    const socket = await opened(port);
    const answered = new Promise((resolve) => socket.once('message', (message) => resolve(String(message))));
    socket.send('hello');
    expect(await answered).toBe('echo hello');
    expect(await inFlight()).toBe(1);
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([]) } });
    expect(rig.proxy?.sink.acknowledgement().busy).toEqual({ [`1@${target.address}`]: 1 });
    socket.close();
    await until(
      () => Object.keys(rig.proxy?.sink.acknowledgement().busy ?? {}).length === 0,
      'the target is idle',
    );
  });

  it('ends on both sides when either side ends', async () => {
    const target = await echo();
    const port = await rig.serve({ web: entryOf([target]) });
    const left = await opened(port);
    left.terminate();
    await until(
      async () => (await inFlight()) === 0 && target.sockets.size === 0,
      'the target’s side has ended',
    );
    const cut = await opened(port);
    const closed = new Promise((resolve) => cut.once('close', resolve));
    for (const socket of target.sockets) socket.destroy();
    await closed;
    await until(async () => (await inFlight()) === 0, 'it is not in flight');
  });

  it('leaves nothing behind whose client goes while it is asked for, and the proxy has much else to do', async () => {
    const sockets: Socket[] = [];
    const target = await raw((_incoming, socket) => {
      sockets.push(socket.resume());
      socket.once('end', () => socket.end());
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const client = connect(port, '127.0.0.1', () => client.write(HEAD));
    await until(() => sockets.length === 1, 'the target is asked');
    for (let each = 0; each < 500; each += 1) takeTurn(() => burn(2));
    client.resetAndDestroy();
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the client has gone');
    sockets[0]?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n');
    await until(async () => (await inFlight()) === 0, 'it is not in flight');
    await until(() => target.sockets.size === 0, 'the target’s side has ended');
  });

  it('loses no byte that either side sent with its head', async () => {
    const seen: string[] = [];
    const target = await raw((incoming, socket, first) => {
      seen.push(String(incoming.headers.upgrade), String(incoming.headers.connection), String(first));
      socket.on('data', (bytes) => seen.push(String(bytes)));
      socket.write(
        'HTTP/1.1 101 Over\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\nX-Kept: 1\r\n\r\nwelcome',
      );
      socket.once('data', () => socket.end());
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const client = connect(port, '127.0.0.1', () => client.write(`${HEAD}early`));
    let received = '';
    client.on('data', (bytes) => {
      received += bytes;
      if (received.endsWith('welcome')) client.write('later');
    });
    await new Promise((resolve) => client.once('close', resolve));
    expect(received).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom\/1\r\nX-Kept: 1\r\n/,
    );
    expect(received).toMatch(/\r\n\r\nwelcome$/);
    expect(seen.slice(0, 2)).toEqual(['custom/1', 'Upgrade']);
    expect(seen.slice(2).join('')).toBe('earlylater');
  });

  it('is answered plainly when the target does not go over', async () => {
    const target = await rig.target((_incoming, response) =>
      response.writeHead(426, { 'Content-Length': 2 }).end('no'),
    );
    const received = await talk(await rig.serve({ web: entryOf([target]) }), HEAD);
    expect(received).toMatch(/^HTTP\/1\.1 426 [\s\S]*\r\n\r\nno$/);
    await until(async () => (await inFlight()) === 0, 'it is not in flight');
  });

  it('is refused like any request: no route, no replica', async () => {
    const target = await echo();
    const port = await rig.serve({ web: entryOf([target], { routes: [{ host: 'other.test' }] }) });
    expect(await talk(port, HEAD)).toMatch(/^HTTP\/1\.1 404 /);
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([], { split: {} }) } });
    expect(await talk(port, HEAD)).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('waits for a replica that is coming', async () => {
    const target = await echo();
    const port = await rig.serve({ web: entryOf([], { split: {}, coming: true }) });
    const opening = opened(port);
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 1, 'it is parked');
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([target]) } });
    (await opening).terminate();
  });

  it('may be reset by the client at any moment before, and nothing happens', async () => {
    let asked = 0;
    const target = await raw((_incoming, socket) => {
      // It listens for the other side's end, as every real one does.
      socket.on('end', () => socket.end()).resume();
      asked += 1;
    });
    const port = await rig.serve({ web: entryOf([target]) });
    for (let count = 0; count < 5; count += 1) {
      const client = connect(port, '127.0.0.1', () => client.write(HEAD));
      client.on('error', () => client.destroy());
      await until(() => asked === count + 1, 'the target is asked');
      client.resetAndDestroy();
    }
    await until(async () => (await inFlight()) === 0 && target.sockets.size === 0, 'all have ended');
    expect(await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/plain$/);
    expect(rig.problems).toEqual([]);
  });

  it('that has a body does not go over', async () => {
    const target = await raw((_incoming, socket) => socket.end('HTTP/1.1 101 Over\r\n\r\n'));
    const port = await rig.serve({ web: entryOf([target]) });
    const head =
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: custom/1\r\nContent-Length: 1\r\n\r\nx';
    expect(await talk(port, head)).toMatch(/plain$/);
  });
});

describe('a target that goes over without being asked', () => {
  it('is 502', async () => {
    const target = await rig.target((incoming) => {
      incoming.socket.end('HTTP/1.1 101 Over\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    expect(await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 502 /,
    );
  });
});
