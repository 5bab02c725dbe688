import cluster from 'node:cluster';
import { connect, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Crew } from '../../../proxy/workers/worker.ts';
import { ask, entryOf, Rig, splitOf, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

function workerIds(): readonly number[] {
  return Object.values(cluster.workers ?? {}).flatMap((worker) => worker?.process.pid ?? []);
}

describe('several workers', () => {
  it('are one proxy: one port, one table, one acknowledgement, one set of numbers', async () => {
    const [one, two] = [await rig.named('1'), await rig.named('2')];
    const { sink, stats } = await rig.start({ workers: 2 });
    const answer = await sink.apply({ version: 3, services: { web: entryOf([one]), bad: null } });
    expect(answer).toMatchObject({
      applied: 3,
      busy: {},
      refused: { bad: expect.stringContaining('entry') },
    });
    for (let count = 0; count < 20; count += 1) expect((await ask(rig.port)).body).toBe('1');
    await sink.apply({ version: 4, services: { web: entryOf([two]) } });
    for (let count = 0; count < 20; count += 1) expect((await ask(rig.port)).body).toBe('2');
    const { services, tableVersion } = await stats();
    expect(tableVersion).toBe(4);
    expect(services.web?.revisions[0]?.requests[0]?.codes).toEqual([0, 40, 0, 0, 0]);
  });

  it('follow a large table entry by entry: what comes, changes, goes, or is refused', async () => {
    const [one, two] = [await rig.named('1'), await rig.named('2')];
    const { sink } = await rig.start({ workers: 2 });
    const at = (host: string, target: typeof one) => entryOf([target], { routes: [{ host }] });
    const services: Record<string, unknown> = Object.fromEntries(
      Array.from({ length: 350 }, (_, index) => [`web-${index}`, at(`web-${index}.test`, one)]),
    );
    await sink.apply({ version: 1, services });
    const { 'web-7': _, ...others } = services;
    const changed = { 'web-8': at('web-8.test', two), 'web-9': null, new: at('new.test', two) };
    const { applied, refused } = await sink.apply({ version: 2, services: { ...others, ...changed } });
    expect([applied, Object.keys(refused)]).toEqual([2, ['web-9']]);
    const hosts = ['web-6', 'web-7', 'web-8', 'web-9', 'web-349', 'new'].map((name) => `${name}.test`);
    const bodies = async () =>
      Promise.all(hosts.map(async (host) => (await ask(rig.port, { headers: { host } })).body));
    for (let count = 0; count < 4; count += 1)
      expect(await bodies()).toEqual(['1', expect.stringContaining('no-route'), '2', '1', '1', '2']);
  });

  it('keep the split together, each of them to within one request', async () => {
    const [stable, candidate] = [await rig.named('stable'), await rig.named('candidate')];
    const workers = 3;
    const { sink } = await rig.start({ workers });
    const parts = [
      { revision: 1, weight: 93, target: stable },
      { revision: 2, weight: 7, target: candidate },
    ];
    await sink.apply({ version: 1, services: { web: splitOf(parts) } });
    let found = 0;
    for (let asked = 1; asked <= 400; asked += 1) {
      if ((await ask(rig.port)).body === 'candidate') found += 1;
      expect(Math.abs(found - asked * 0.07)).toBeLessThanOrEqual(workers);
    }
    expect(found).toBeGreaterThan(0);
  });

  it('tell together what is busy, and at once when it is not', async () => {
    const releases: (() => void)[] = [];
    const slow = await rig.target((_incoming, response) => {
      releases.push(() => response.end('late'));
    });
    const { sink } = await rig.start({ workers: 2 });
    await sink.apply({ version: 1, services: { web: entryOf([slow]) } });
    const asking = Array.from({ length: 6 }, () => ask(rig.port));
    await until(() => releases.length === 6, 'all are in flight');
    const answer = await sink.apply({ version: 2, services: { web: entryOf([]) } });
    expect(answer.busy).toEqual({ [`1@${slow.address}`]: 6 });
    let changes = 0;
    sink.onChange(() => {
      changes += 1;
    });
    for (const release of releases) release();
    expect((await Promise.all(asking)).every(({ body }) => body === 'late')).toBe(true);
    await until(() => Object.keys(sink.acknowledgement().busy).length === 0, 'nothing is busy');
    expect(changes).toBeGreaterThan(0);
  });

  it('that die are replaced by ones that have the table, and no count goes back', async () => {
    const target = await rig.named('1');
    const { sink, stats } = await rig.start({ workers: 2 });
    await sink.apply({ version: 5, services: { web: entryOf([target]) } });
    for (let count = 0; count < 10; count += 1) await ask(rig.port);
    const total = async (): Promise<number | undefined> =>
      (await stats()).services.web?.revisions[0]?.requests[0]?.codes[1];
    expect(await total()).toBe(10);
    const [victim = 0, survivor] = workerIds();
    process.kill(victim, 'SIGKILL');
    await until(
      () => workerIds().length === 2 && !workerIds().includes(victim),
      'another has taken its place',
    );
    expect(workerIds()).toContain(survivor);
    await until(async () => (await stats()).tableVersion === 5, 'it has the table');
    for (let count = 0; count < 10; count += 1) expect((await ask(rig.port)).body).toBe('1');
    expect(await total()).toBe(20);
    expect(sink.acknowledgement().applied).toBe(5);
  });

  it('count the connections of an address together, those of a worker that died no more', async () => {
    const target = await rig.named('1');
    const port = await rig.serve({ web: entryOf([target]) }, { workers: 2, maxConnectionsPerAddress: 4 });
    const open = async (): Promise<Socket | null> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const isServed = await new Promise((resolve) => {
        socket.once('data', () => resolve(true));
        socket.once('close', () => resolve(false));
      });
      return isServed ? socket : null;
    };
    const sockets = [await open(), await open(), await open(), await open()];
    expect(sockets).not.toContain(null);
    expect(await open()).toBeNull();
    sockets[0]?.destroy();
    await until(async () => {
      const another = await open();
      if (another !== null) sockets[0] = another;
      return another !== null;
    }, 'there is room again');
    expect(await open()).toBeNull();
    expect((await rig.proxy?.stats())?.refused['address-limit']).toBeGreaterThanOrEqual(2);
    const [victim = 0] = workerIds();
    process.kill(victim, 'SIGKILL');
    await until(async () => (await open()) !== null, 'those of the dead worker do not count');
    for (const socket of sockets) socket?.destroy();
  });

  it('take no more connections together than they may', async () => {
    const target = await rig.named('1');
    const port = await rig.serve({ web: entryOf([target]) }, { workers: 2, maxConnections: 6 });
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => socket.destroy()).resume();
    const count = async () => {
      const stats = await rig.proxy?.stats();
      return [stats?.connections, stats?.refused.limit];
    };
    await until(async () => (await count())[1] === 14, 'the others are refused');
    await until(async () => (await count())[0] === 6, 'six are kept');
    expect(await count()).toEqual([6, 14]);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'there is room again');
    expect((await ask(port)).body).toBe('1');
  });

  it('that do not keep up leave no queue without an end', () => {
    const crew = new Crew({}, 1, () => undefined);
    const sockets = Array.from({ length: 25_000 }, () => new Socket());
    for (const socket of sockets) crew.take(socket, false);
    const kept = sockets.filter(({ destroyed }) => !destroyed);
    expect(kept.length).toBeGreaterThan(10_000);
    expect(kept.length).toBeLessThan(24_000);
    expect(kept.every((socket, index) => socket === sockets[index])).toBe(true);
  });

  it('that cannot listen are an error of the start, and leave no process', async () => {
    const target = await rig.named('a');
    const port = Number(target.address.split(':')[1]);
    await expect(rig.start({ workers: 2, port })).rejects.toMatchObject({ code: 'listen-failed' });
    expect(workerIds()).toEqual([]);
  });
});
