import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TableUpdate } from '../../proxy/control.ts';
import type { RunningProxy } from '../../proxy/server.ts';
import { ask, entryOf, Rig, until } from './rig.ts';

const rig = new Rig();
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-proxy-'));
});
afterEach(async () => {
  await rig.close();
  await rm(folder, { recursive: true });
});

/** Replaces the file in one step, as careful writers do. */
async function replace(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.tmp`, typeof value === 'string' ? value : JSON.stringify(value));
  await rename(`${path}.tmp`, path);
}

describe('a table from a file', () => {
  it('is served from the start and followed: written in place, replaced, or without a higher version', async () => {
    const path = join(folder, 'table.json');
    const [one, two, three] = [await rig.named('1'), await rig.named('2'), await rig.named('3')];
    await replace(path, { version: 7, services: { web: entryOf([one]) } });
    const { stats } = await rig.start({ tableFile: path });
    expect((await ask(rig.port)).body).toBe('1');
    expect((await stats()).tableVersion).toBe(7);
    await replace(path, { version: 8, services: { web: entryOf([two]) } });
    await until(async () => (await ask(rig.port)).body === '2', 'the replaced table is served');
    await writeFile(path, JSON.stringify({ version: 2, services: { web: entryOf([three]) } }));
    await until(async () => (await ask(rig.port)).body === '3', 'the rewritten table is served');
  });

  it('that is not valid is refused with its path, and the one before stays', async () => {
    const path = join(folder, 'table.json');
    await replace(path, { version: 1, services: { web: entryOf([await rig.named('1')]) } });
    await rig.start({ tableFile: path });
    await replace(path, '{ "version": 2, ');
    await until(
      () => rig.problems.some((problem) => problem.startsWith(`Table ${path}: `)),
      'the problem is told',
    );
    await replace(path, { version: 'x', services: [] });
    await until(
      () => rig.problems.some((problem) => problem.includes('services: found []')),
      'the problem is told',
    );
    await replace(path, { version: 3, services: { web: { routes: 1 } } });
    await until(
      () => rig.problems.some((problem) => problem.includes('services.web: routes: found 1')),
      'it is told',
    );
    expect((await ask(rig.port)).body).toBe('1');
  });

  it('that is not there at the start is an error that says so', async () => {
    const path = join(folder, 'missing.json');
    const starting = rig.start({ tableFile: path });
    await expect(starting).rejects.toMatchObject({ code: 'table-file-invalid', disposition: 'invalid' });
    await expect(starting).rejects.toThrow(path);
  });
});

describe('a snapshot', () => {
  const start = (snapshotFile: string, update: TableUpdate | null): Promise<RunningProxy> =>
    rig.start({
      snapshotFile,
      feed: async (sink, snapshots) => {
        const first = update ?? (await snapshots.read());
        if (first === null) return;
        await sink.apply(first);
        if (update !== null) snapshots.write(update);
      },
    });

  it('keeps what is in force, refused entries aside, and serves it after a restart until a real table comes', async () => {
    const snapshotFile = join(folder, 'state', 'table.json');
    const services = { web: entryOf([await rig.named('kept')]) };
    await (await start(snapshotFile, { version: 9, services: { ...services, bad: null } })).stop(0);
    expect(JSON.parse(await readFile(snapshotFile, 'utf8'))).toEqual({ version: 9, services });
    expect(await readdir(join(folder, 'state'))).toEqual(['table.json']);
    const { sink } = await start(snapshotFile, null);
    expect((await ask(rig.port)).body).toBe('kept');
    expect(sink.acknowledgement().applied).toBe(0);
    await sink.apply({ version: 1, services: {} });
    expect((await ask(rig.port)).status).toBe(404);
  });

  it('that is damaged is worth no more than none', async () => {
    const snapshotFile = join(folder, 'table.json');
    await writeFile(snapshotFile, '{"version": 1, "serv');
    await start(snapshotFile, null);
    expect((await ask(rig.port)).status).toBe(404);
  });

  it('that cannot be written is told, and the table is served all the same', async () => {
    await writeFile(join(folder, 'file'), '');
    const services = { web: entryOf([await rig.named('served')]) };
    await start(join(folder, 'file', 'table.json'), { version: 1, services });
    expect((await ask(rig.port)).body).toBe('served');
    await until(
      () => rig.problems.some((problem) => problem.startsWith('Cannot write the snapshot')),
      'it is told',
    );
  });
});

describe('a proxy that stops', () => {
  it('lets a running request end, and says `Connection: close` before it closes anything', async () => {
    const releases: (() => void)[] = [];
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/slow') releases.push(() => response.end('slow'));
      else response.end('fast');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        request({ port, host: '127.0.0.1', path, agent }, (response) => resolve(response.resume()))
          .on('error', reject)
          .end();
      });
    expect((await get('/fast')).headers.connection).toBe('keep-alive');
    const slow = ask(port, { path: '/slow' });
    await until(() => releases.length === 1, 'the target is asked');
    const stopping = rig.proxy?.stop(5_000);
    expect((await get('/fast')).headers.connection).toBe('close');
    for (const release of releases) release();
    expect(await slow).toMatchObject({ status: 200, body: 'slow', headers: { connection: 'close' } });
    await stopping;
    await expect(ask(port)).rejects.toThrow(/ECONNREFUSED/);
    agent.destroy();
  });

  it('ends what does not end by itself at the deadline: answers, tunnels, idle connections', async () => {
    const target = await rig.target((_incoming, response) => {
      response.write('endless');
    });
    target.server.on('upgrade', (_incoming, socket: Socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.write('HTTP/1.1 101 Over\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const heads = [
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      '',
    ];
    const clients = heads.map((head) =>
      connect(port, '127.0.0.1', function send(this: Socket) {
        this.write(head);
      }),
    );
    const closed = clients.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of clients) socket.on('error', () => socket.destroy()).resume();
    await until(
      async () => (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight === 2,
      'two are in flight',
    );
    await rig.proxy?.stop(100);
    await Promise.all(closed);
    expect((await rig.proxy?.stats())?.connections).toBe(0);
  });
});

describe('a proxy that cannot start', () => {
  it('says where it could not listen', async () => {
    const target = await rig.named('a');
    const port = Number(target.address.split(':')[1]);
    await expect(rig.start({ port })).rejects.toMatchObject({
      code: 'listen-failed',
      disposition: 'invalid',
    });
  });
});

describe('limits on connections', () => {
  it.each([
    { limit: { maxConnections: 2 }, refused: { limit: 1, 'address-limit': 0 } },
    { limit: { maxConnectionsPerAddress: 2 }, refused: { limit: 0, 'address-limit': 1 } },
  ])('hold, and what was refused is counted: $limit', async ({ limit, refused }) => {
    const port = await rig.serve({ web: entryOf([await rig.named('a')]) }, limit);
    const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await until(async () => (await rig.proxy?.stats())?.connections === 2, 'two connections are open');
    await expect(ask(port)).rejects.toThrow();
    expect((await rig.proxy?.stats())?.refused).toMatchObject(refused);
    for (const socket of held) socket.destroy();
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'none is open');
    expect((await ask(port)).status).toBe(200);
  });
});
