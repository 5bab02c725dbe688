import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Health } from '../../../proxy/table/health.ts';
import { until } from '../rig.ts';

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(port = 0): Promise<{ port: number; server: Server; taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    socket.destroy();
  });
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  open.push(server);
  return { port: (server.address() as AddressInfo).port, server, taken: () => taken };
}

describe('a target that was ejected', () => {
  it('comes back once it takes a connection of our own', async () => {
    const { port, taken } = await listen();
    const health = new Health('127.0.0.1', port);
    health.eject(20);
    expect(health.isEjected).toBe(true);
    expect(taken()).toBe(0);
    await until(() => !health.isEjected, 'it is back');
    await until(() => taken() === 1, 'it was asked');
  });

  it('stays away as long as it takes none', async () => {
    const { port, server } = await listen();
    await new Promise((resolve) => server.close(resolve));
    open.length = 0;
    const health = new Health('127.0.0.1', port);
    health.eject(5);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(health.isEjected).toBe(true);
    await listen(port);
    await until(() => !health.isEjected, 'it is back');
  });

  it('counts errors in a row anew', () => {
    const health = new Health('127.0.0.1', 1);
    expect([health.countError(), health.countError()]).toEqual([1, 2]);
    health.noteConnected();
    expect(health.countError()).toBe(1);
    health.eject(60_000);
    health.readmit();
    expect([health.isEjected, health.countError()]).toEqual([false, 1]);
  });

  it('is forgotten with what it was set aside for', () => {
    const health = new Health('127.0.0.1', 1);
    health.setAside(0);
    health.eject(60_000);
    health.reset();
    expect([health.isAside(1), health.isEjected]).toEqual([false, false]);
  });
});
