import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection, type Occupant } from '../../../proxy/targets/connection.ts';
import { until } from '../rig.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A connection, what its occupant was told, and the target's side of it. */
async function connected(mayGoOver = false): Promise<{
  connection: Connection;
  told: string[];
  target: Socket;
  lost: () => number;
}> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  let lost = 0;
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const connection = new Connection('127.0.0.1', port, mayGoOver, () => {
    lost += 1;
  });
  const told: string[] = [];
  const occupant: Occupant = {
    onConnected: () => told.push('connected'),
    onDrained: () => told.push('drained'),
    onRead: () => undefined,
    onInformation: ({ status }) => told.push(`information ${status}`),
    onHead: ({ status }) => told.push(`head ${status}`),
    onBody: (piece) => told.push(`body ${piece}`),
    onEnd: () => told.push('end'),
    onSwitch: () => told.push('switch'),
    onMalformed: () => told.push('malformed'),
    onClosed: (code) => told.push(`closed ${code}`),
  };
  connection.occupy(occupant, 'GET');
  const [target] = (await once(server, 'connection')) as [Socket];
  target.on('error', () => target.destroy()).resume();
  await until(() => told.includes('connected'), 'it is connected');
  closers.push(() => {
    connection.close();
    target.destroy();
    server.close();
  });
  return { connection, told, target, lost: () => lost };
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n';

describe('a connection', () => {
  it('tells what it has read before it tells that it was reset, also when it was held back', async () => {
    const { connection, told, target, lost } = await connected();
    target.write(`${HEAD}ab`);
    await until(() => told.includes('body ab'), 'the first half has come');
    connection.socket.pause();
    await new Promise((resolve) => target.write('cd', resolve));
    target.resetAndDestroy();
    connection.socket.resume();
    await until(() => lost() === 1, 'it is lost');
    expect(told).toEqual(['connected', 'head 200', 'body ab', 'body cd', 'end']);
  });

  it('tells that the target has ended it before its answer was whole', async () => {
    const { told, target } = await connected();
    target.end(`${HEAD}ab`);
    await until(() => told.includes('closed '), 'its end is told');
    expect(told.slice(0, 4)).toEqual(['connected', 'head 200', 'body ab', 'closed ']);
  });

  it('tells nothing to who has let go of it, and closes when something comes', async () => {
    const { connection, told, target } = await connected();
    target.write(`${HEAD}abcd`);
    await until(() => told.includes('end'), 'the answer is whole');
    connection.rest(performance.now(), 1_000);
    target.write(`${HEAD}abcd`);
    await until(() => connection.socket.destroyed, 'it is closed');
    expect(told).toEqual(['connected', 'head 200', 'body abcd', 'end']);
  });

  it('closes soon when the target does not read the rest', async () => {
    const { connection, target } = await connected();
    target.pause();
    while (connection.socket.write(Buffer.alloc(1024 * 1024)));
    connection.closeSoon(50);
    await until(() => connection.socket.destroyed, 'it is closed');
    expect(target.destroyed).toBe(false);
  });

  it('gives up its socket with nobody listening', async () => {
    const { connection, told, target, lost } = await connected(true);
    const socket = connection.forsake();
    const counts = ['connect', 'data', 'drain', 'end', 'error', 'close'].map((name) =>
      socket.listenerCount(name),
    );
    // The stream has a listener of its own for its end.
    expect(counts).toEqual([0, 0, 0, 1, 0, 0]);
    socket.on('error', () => undefined).destroy();
    target.destroy();
    await until(() => socket.closed, 'it is closed');
    expect({ told, lost: lost() }).toEqual({ told: ['connected'], lost: 0 });
  });
});
