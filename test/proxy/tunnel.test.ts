// Tunnels whose sides end at different times: what was sent arrives, and nothing stays open.
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Streams } from '../../proxy/exchange/streams.ts';
import { openTunnel } from '../../proxy/exchange/upgrade.ts';
import { entryOf, Rig, type TestTarget, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const HEAD = 'GET /t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n';
const OVER = 'HTTP/1.1 101 Over\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n';
/** More than the sockets on the way hold. */
const LARGE = Buffer.alloc(16 * 1024 * 1024);

/** Takes one piece at a time, and its time for it. */
function slowSide(): Duplex & { received: string } {
  const side = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => {
      setTimeout(done, 50);
      slow.received += chunk;
    },
  });
  const slow = Object.assign(side, { received: '' });
  return slow;
}

/** Never as fast as it could: what comes waits before it all the time, to the last byte. */
function readSlowly(socket: Socket, onSize: (size: number) => void): void {
  socket.on('data', (bytes: Buffer) => {
    onSize(bytes.length);
    socket.pause();
    setTimeout(() => socket.resume(), 2);
  });
}

async function upgraded(onSocket: (socket: Socket, incoming: IncomingMessage) => void): Promise<TestTarget> {
  const target = await rig.target((_incoming, response) => response.end('plain'));
  target.server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket, incoming);
  });
  return target;
}

const isQuiet = async (target: TestTarget): Promise<boolean> => {
  const stats = await rig.proxy?.stats();
  const inFlight = stats?.services.web?.revisions[0]?.inFlight;
  return inFlight === 0 && stats?.connections === 0 && target.sockets.size === 0;
};

describe('the last bytes of a tunnel', () => {
  it('reach a client that reads slowly although the target has closed', async () => {
    const target = await upgraded((socket) => {
      socket.write(OVER);
      socket.end(LARGE);
      socket.resume();
    });
    const client = connect(await rig.serve({ web: entryOf([target]) }), '127.0.0.1');
    client.write(HEAD);
    let size = 0;
    readSlowly(client, (some) => {
      size += some;
    });
    await new Promise((resolve) => client.once('close', resolve));
    expect(size).toBeGreaterThanOrEqual(LARGE.length);
    await until(() => isQuiet(target), 'nothing is left');
  });

  it('reach a target that reads slowly although the client has closed', async () => {
    let size = 0;
    const target = await upgraded((socket) => {
      socket.write(OVER);
      readSlowly(socket, (some) => {
        size += some;
      });
      socket.on('end', () => socket.end());
    });
    const client = connect(await rig.serve({ web: entryOf([target]) }), '127.0.0.1');
    client.write(HEAD);
    client.once('data', () => client.end(LARGE));
    await until(() => size >= LARGE.length, 'all has come');
    await until(() => isQuiet(target), 'nothing is left');
  });

  it.each(['client', 'target'] as const)(
    'wait for their turn before a slow %s although the other is cut off',
    async (side) => {
      const [slow, other] = [
        slowSide(),
        new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() }),
      ];
      const end = (socket: Duplex) => ({ socket, first: Buffer.alloc(0) });
      const [client, target] = side === 'client' ? [slow, other] : [other, slow];
      const ended = new Promise<void>((resolve) => {
        const ends = { client: end(client), target: end(target) };
        openTunnel({ response: {}, ...ends, protocol: 'x', fields: [], streams: new Streams() }, resolve);
      });
      for (const part of ['one ', 'two ', 'three']) other.push(part);
      await sleep(5);
      other.destroy();
      await ended;
      expect(slow.received).toMatch(/one two three$/);
    },
  );

  it('pass in one direction when the other has ended: either side may end first', async () => {
    let heard = '';
    const target = await upgraded((socket) => {
      socket.write(`${OVER}bye`);
      socket.allowHalfOpen = true;
      socket.end();
      socket.on('data', (bytes) => {
        heard += bytes;
      });
    });
    const client = connect({
      port: await rig.serve({ web: entryOf([target]) }),
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    client.write(HEAD);
    let received = '';
    client.on('data', (bytes) => {
      received += bytes;
    });
    client.once('end', () => sleep(100).then(() => client.end('not yet')));
    await until(() => heard === 'not yet', 'the target has heard the rest');
    expect(received).toMatch(/bye$/);
    await until(() => isQuiet(target), 'nothing is left');
  });
});

describe('what a client offers to go over to', () => {
  it.each([
    ['websocket, h2c', 'websocket'],
    ['H2C , custom/1', 'custom/1'],
    ['h2c', undefined],
    ['HTTP/2.0', undefined],
  ])('as %j reaches the target as %j', async (offer, expected) => {
    const seen: (string | undefined)[] = [];
    const target = await upgraded((socket, incoming) => {
      seen.push(incoming.headers.upgrade);
      socket.end('HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n');
    });
    target.server.on('request', (incoming: IncomingMessage) => seen.push(incoming.headers.upgrade));
    const port = await rig.serve({ web: entryOf([target]) });
    const client = connect(port, '127.0.0.1');
    client.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: ${offer}\r\nHTTP2-Settings: AA\r\n\r\n`,
    );
    client.resume();
    await new Promise((resolve) => client.once('close', resolve));
    expect(seen).toEqual([expected]);
  });
});
