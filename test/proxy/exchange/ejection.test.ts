// Targets that fail: left out after several connections in a row that they did not take, and how often what was sent is
// sent again while they all fail.
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { openBlackHole } from '../black-hole.ts';
import { ask, entryOf, Rig, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

async function listen(port: number, onSocket: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer({}, onSocket).listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    server.close();
  });
  return server;
}

async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

const web = async () => (await rig.proxy?.stats())?.services.web;

function addresses(list: readonly string[], proxy: RouteEntry['proxy'] = {}): RouteEntry {
  return entryOf([], { targets: list.map((address) => ({ revision: 1, address })), proxy });
}

/** Until a request has found it dead once more: it is set aside for a second after each time. */
async function fail(times: number): Promise<void> {
  const refused = async (): Promise<number> => (await web())?.revisions[0]?.errors['connect-refused'] ?? 0;
  await until(async () => {
    await ask(rig.port);
    return (await refused()) >= times;
  }, `it has refused ${times} connections`);
}

describe('a target that takes no connections', () => {
  it('is left out after some in a row, and comes back without a request', async () => {
    const port = await deadPort();
    const well = await rig.named('well');
    const list = [`127.0.0.1:${port}`, well.address];
    await rig.serve({ web: addresses(list, { ejection: { errors: 2, time: '1s' } }) });
    await fail(1);
    expect((await web())?.ejected).toBe(0);
    await fail(2);
    expect((await web())?.ejected).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    for (let count = 0; count < 5; count += 1) expect((await ask(rig.port)).body).toBe('well');
    expect((await web())?.revisions[0]?.errors['connect-refused']).toBe(2);
    await listen(port, (socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback')),
    );
    await until(async () => (await web())?.ejected === 0, 'it is back');
    expect((await web())?.revisions[0]?.errors['connect-refused']).toBe(2);
    await until(async () => (await ask(rig.port)).body === 'back', 'it serves');
  });

  it('is asked on when many fail at once', async () => {
    const hole = await openBlackHole();
    rig.onClose(() => hole.close());
    const list = [hole.address, (await rig.named('well')).address];
    await rig.serve({ web: addresses(list, { ejection: { errors: 2, time: '1h' } }) });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(rig.port)));
    expect(answers.every(({ body }) => body === 'well')).toBe(true);
    expect((await web())?.revisions[0]?.errors['connect-timeout']).toBeGreaterThan(2);
    expect((await web())?.ejected).toBe(0);
  });

  it('is asked on where that is off', async () => {
    const list = [`127.0.0.1:${await deadPort()}`, (await rig.named('well')).address];
    await rig.serve({ web: addresses(list, { ejection: null }) });
    await fail(4);
    expect((await web())?.ejected).toBe(0);
  });

  it('is asked on as the last one of its revision', async () => {
    const [one, two] = [`127.0.0.1:${await deadPort()}`, `127.0.0.1:${await deadPort()}`];
    const other = await rig.named('other');
    const entry = (list: readonly string[]): RouteEntry => ({
      ...addresses(list, { ejection: { errors: 1, time: '1h' } }),
      split: { 1: 50, 2: 50 },
      targets: [
        ...list.map((address) => ({ revision: 1, address })),
        { revision: 2, address: other.address },
      ],
    });
    await rig.serve({ web: entry([one, two]) });
    await fail(3);
    expect((await web())?.ejected).toBe(1);
  });

  it('is asked again once it is left alone with its revision', async () => {
    const [dead, well] = [`127.0.0.1:${await deadPort()}`, (await rig.named('well')).address];
    const proxy = { ejection: { errors: 1, time: '1h' } };
    await rig.serve({ web: addresses([dead, well], proxy) });
    await fail(1);
    expect((await web())?.ejected).toBe(1);
    await rig.proxy?.sink.apply({ version: 2, services: { web: addresses([dead], proxy) } });
    expect((await web())?.ejected).toBe(0);
  });

  it('is not left out where it took one between', async () => {
    const port = await deadPort();
    const list = [`127.0.0.1:${port}`, (await rig.named('well')).address];
    await rig.serve({ web: addresses(list, { ejection: { errors: 2, time: '1h' } }) });
    await fail(1);
    const server = await listen(port, (socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nback'),
      ),
    );
    await until(async () => (await ask(rig.port)).body === 'back', 'it serves');
    await new Promise((resolve) => server.close(resolve));
    await fail(2);
    expect((await web())?.ejected).toBe(0);
  });
});

describe('what was sent and not answered', () => {
  it('is sent again within the share of the requests only; then the first try is the answer', async () => {
    let asked = 0;
    const onSocket = (socket: import('node:net').Socket): void => {
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        asked += 1;
        socket.resetAndDestroy();
      });
    };
    const servers = [await listen(0, onSocket), await listen(0, onSocket)];
    const list = servers.map((server) => {
      const address = server.address();
      return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    });
    await rig.serve({ web: addresses(list, { retries: 1, retry_budget: 20 }) });
    const asking = 150;
    for (let count = 0; count < asking; count += 1) expect((await ask(rig.port)).status).toBe(502);
    expect((await web())?.retries).toBeLessThanOrEqual(asking * 0.2);
    expect((await web())?.retries).toBeGreaterThan(10);
    expect(asked).toBe(asking + ((await web())?.retries ?? 0));
  });
});

describe('a target that joins others', () => {
  it('starts slowly, and the split stays exact; the first of a revision and those of the first table do not', async () => {
    const [a, b, c] = [await rig.named('a'), await rig.named('b'), await rig.named('c')];
    const entry = (list: readonly (readonly [number, { address: string }])[]): RouteEntry => ({
      ...addresses([], { slow_start: '24h' }),
      split: { 1: 50, 2: 50 },
      targets: list.map(([revision, { address }]) => ({ revision, address })),
    });
    await rig.serve({
      web: entry([
        [1, a],
        [1, b],
      ]),
    });
    const count = async (): Promise<Readonly<Record<string, number>>> => {
      const counts: Record<string, number> = {};
      for (let asked = 0; asked < 40; asked += 1) {
        const { body } = await ask(rig.port);
        counts[body] = (counts[body] ?? 0) + 1;
      }
      return counts;
    };
    expect(await count()).toEqual({ a: 20, b: 20 });
    await rig.proxy?.sink.apply({
      version: 2,
      services: {
        web: entry([
          [1, a],
          [2, c],
        ]),
      },
    });
    expect(await count()).toEqual({ a: 20, c: 20 });
    await rig.proxy?.sink.apply({
      version: 3,
      services: {
        web: entry([
          [1, a],
          [2, c],
          [2, b],
        ]),
      },
    });
    expect(await count()).toEqual({ a: 20, c: 20 });
  });
});
