import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection, Occupant } from '../../../proxy/targets/connection.ts';
import { Pool } from '../../../proxy/targets/pool.ts';
import { until } from '../rig.ts';

const sockets: Socket[] = [];
let server: Server;
let pool: Pool;

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(ANSWER));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  pool = new Pool('127.0.0.1', typeof address === 'object' ? (address?.port ?? 0) : 0);
});

afterEach(() => {
  pool.close();
  for (const socket of sockets) socket.destroy();
  sockets.length = 0;
  server.close();
});

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Takes a connection, and resolves once a request on it was answered. */
async function answered(): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const connection = pool.take();
  const ask = (): unknown => connection.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const ignore = (): void => undefined;
  const occupant: Occupant = {
    ...{
      onInformation: ignore,
      onHead: ignore,
      onBody: ignore,
      onSwitch: ignore,
      onDrained: ignore,
      onRead: ignore,
    },
    onConnected: ask,
    onEnd: () => resolve(),
    onMalformed: () => reject(new Error('malformed')),
    onClosed: () => reject(new Error('closed')),
  };
  connection.occupy(occupant, 'GET');
  if (!connection.isConnecting) ask();
  await promise;
  return connection;
}

describe('a pool', () => {
  it('gives the connection that was used last, and a new one when there is none', async () => {
    const [one, two] = [await answered(), await answered()];
    expect([one.isReused, two.isReused]).toEqual([false, false]);
    pool.give(one);
    pool.give(two);
    expect(pool.take()).toBe(two);
    expect(pool.take()).toBe(one);
    expect([one.isReused, two.isReused]).toEqual([true, true]);
    const three = pool.take();
    expect([one, two]).not.toContain(three);
    for (const each of [one, two, three]) each.close();
  });

  it('closes what has been idle for longer than somebody bears, and keeps the younger', async () => {
    const [one, two] = [await answered(), await answered()];
    pool.give(one);
    await new Promise((resolve) => setTimeout(resolve, 60));
    pool.give(two);
    pool.dropIdle(30);
    expect([one.socket.destroyed, two.socket.destroyed]).toEqual([true, false]);
    expect(pool.take()).toBe(two);
    two.close();
  });

  it('does not give what the target no longer keeps', async () => {
    const one = await answered();
    pool.give(one);
    one.idleUntil = performance.now();
    const two = pool.take();
    expect(two).not.toBe(one);
    expect(one.socket.destroyed).toBe(true);
    two.close();
  });

  it('closes by itself what nobody asks for', async () => {
    const one = await answered();
    pool.give(one);
    one.idleUntil = performance.now();
    await until(() => sockets[0]?.destroyed === true, 'it is closed');
    expect(one.socket.destroyed).toBe(true);
  });

  it('forgets what the target has closed', async () => {
    const one = await answered();
    pool.give(one);
    sockets[0]?.destroy();
    await until(() => one.socket.destroyed, 'it is closed');
    const two = pool.take();
    expect(two).not.toBe(one);
    two.close();
  });

  it('keeps nothing once it is retired, and again once it is restored', async () => {
    const [one, two] = [await answered(), await answered()];
    pool.give(one);
    pool.retire();
    pool.give(two);
    expect([one.socket.destroyed, two.socket.destroyed]).toEqual([true, true]);
    pool.restore();
    const three = await answered();
    pool.give(three);
    expect(pool.take()).toBe(three);
    three.close();
  });
});
