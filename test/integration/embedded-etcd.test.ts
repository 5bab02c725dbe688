// The daemon's own etcd: real processes and a real container, on free ports, in temporary folders.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuxiliaryContainers } from '../../deploy/docker-auxiliary.ts';
import { type EngineEndpoint, parseEndpoint } from '../../deploy/endpoint.ts';
import { type EmbeddedEtcd, type EmbeddedOptions, startEmbeddedEtcd } from '../../src/store/embedded.ts';
import { nameContainer } from '../../src/store/embedded-container.ts';
import { findProgram } from '../../src/store/embedded-process.ts';
import { readRecord } from '../../src/store/embedded-record.ts';
import { openEtcd } from '../../src/store/etcd.ts';
import { type Child, startChild } from '../support/child.ts';
import { readShell } from '../support/documents.ts';
import { startEtcd } from '../support/etcd.ts';
import { findFreePorts, uniqueName } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const endings: (() => Promise<unknown>)[] = [];
let dataDir: string;
let endpoint: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'slipway-embedded-'));
  const [port] = await findFreePorts(1);
  endpoint = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedEtcd> {
  const etcd = await startEmbeddedEtcd({ dataDir, endpoint, ...options });
  endings.push(() => etcd.stop());
  return etcd;
}

async function withStore<T>(use: (store: ReturnType<typeof openEtcd>) => Promise<T>): Promise<T> {
  const store = openEtcd({ endpoints: [endpoint], timeoutMs: 2_000 });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const put = (value: string) =>
  withStore((store) => store.commit({ guards: [], puts: [{ key: '/t/a', value }], deletes: [] }));
const get = () => withStore(async (store) => (await store.get('/t/a'))?.value);
const isAway = () =>
  withStore((store) => store.get('/t/a')).then(
    () => false,
    () => true,
  );

/** Another daemon on the same data: a process that starts its etcd, says how it came by it, and waits. */
async function startDaemon(): Promise<{ child: Child; origin: string }> {
  const script = join(dataDir, `${uniqueName('daemon')}.mjs`);
  const said = `${script}.said`;
  const module = JSON.stringify(new URL('../../src/store/embedded.ts', import.meta.url).href);
  const source = `import { writeFileSync } from 'node:fs';
import { startEmbeddedEtcd } from ${module};
const etcd = await startEmbeddedEtcd(${JSON.stringify({ dataDir, endpoint })});
writeFileSync(${JSON.stringify(said)}, etcd.origin);
process.on('SIGTERM', () => etcd.stop().then(() => process.exit(0)));
setInterval(() => undefined, 1000);
`;
  writeFileSync(script, source);
  const child = startChild(process.execPath, [script]);
  endings.push(() => child.stop());
  const origin = await waitFor('the daemon', () => readFileSync(said, 'utf8'));
  return { child, origin };
}

describe('embedded etcd', () => {
  it('starts one with its own data, ends it on stop, and finds the data again', async () => {
    const first = await start();
    expect(first).toMatchObject({ origin: 'started', endpoint });
    await put('kept');
    await first.stop();
    expect(await isAway()).toBe(true);
    expect(readRecord(join(dataDir, 'etcd'))).toBeNull();
    const second = await start();
    expect(second.origin).toBe('started');
    expect(await get()).toBe('kept');
  });

  it('uses one that answers already, and leaves it alone', async () => {
    const theirs = await startEtcd();
    endings.push(() => theirs.stop());
    endpoint = theirs.url;
    const etcd = await start();
    expect(etcd.origin).toBe('found');
    await etcd.stop();
    expect(await isAway()).toBe(false);
  });

  it('goes on when its daemon is killed; the next one adopts it, and ends it', async () => {
    const { child, origin } = await startDaemon();
    expect(origin).toBe('started');
    await put('1');
    child.kill('SIGKILL');
    await child.exited;
    expect(await get()).toBe('1');
    const adopted = await start();
    expect(adopted.origin).toBe('adopted');
    await adopted.stop();
    expect(await isAway()).toBe(true);
  });

  it('belongs to the first of two daemons while that one lives', async () => {
    const first = await startDaemon();
    const second = await start();
    expect(second.origin).toBe('found');
    await second.stop();
    expect(await isAway()).toBe(false);
    await first.child.stop();
    expect(await isAway()).toBe(true);
  });

  it('is one etcd when two daemons start at the same moment', async () => {
    const daemons = await Promise.all([startDaemon(), startDaemon()]);
    expect(daemons.map(({ origin }) => origin).sort()).toEqual(['found', 'started']);
    expect(await isAway()).toBe(false);
  });

  it('replaces an etcd of ours that was killed', async () => {
    await start();
    await put('kept');
    const record = readRecord(join(dataDir, 'etcd'));
    if (record?.etcd.kind !== 'process') throw new Error('no record');
    process.kill(record.etcd.pid, 'SIGKILL');
    await waitFor('its end', isAway);
    expect((await start()).origin).toBe('started');
    expect(await get()).toBe('kept');
  });

  it('ends a frozen etcd too', async () => {
    const etcd = await start();
    const record = readRecord(join(dataDir, 'etcd'));
    if (record?.etcd.kind !== 'process') throw new Error('no record');
    process.kill(record.etcd.pid, 'SIGSTOP');
    await etcd.stop();
    expect(await isAway()).toBe(true);
  });

  it('never ends a process that merely has the id of the one that it started', async () => {
    const stranger = startChild('sleep', ['60']);
    endings.push(() => stranger.stop());
    mkdirSync(join(dataDir, 'etcd'), { recursive: true });
    const record = {
      etcd: { kind: 'process', pid: stranger.pid, started: '1' },
      owner: { pid: 1, started: '0' },
      endpoint,
    };
    writeFileSync(join(dataDir, 'etcd', 'etcd.json'), JSON.stringify(record));
    expect((await start()).origin).toBe('started');
    expect(stranger.isRunning()).toBe(true);
  });

  it('says so when the port is taken by something else', async () => {
    const server = await new Promise<Server>((resolve) => {
      const taken = createServer((socket) => socket.destroy()).listen(
        Number(new URL(endpoint).port),
        '127.0.0.1',
        () => resolve(taken),
      );
    });
    endings.push(() => new Promise((resolve) => server.close(resolve)));
    await expect(start()).rejects.toMatchObject({
      code: 'store-embedded-failed',
      message: expect.stringMatching(/did not start at .*\n.*address already in use[\s\S]*free the port/),
    });
    expect(readRecord(join(dataDir, 'etcd'))).toBeNull();
  });

  it('says what to install when there is neither etcd nor an engine', async () => {
    await expect(start({ path: dataDir })).rejects.toMatchObject({
      code: 'store-embedded-failed',
      message: expect.stringMatching(/no etcd is on PATH.*install etcd .*--etcd/),
    });
    const containers = open({ kind: 'unix', path: join(dataDir, 'nowhere.sock') });
    await expect(start({ path: dataDir, containers })).rejects.toMatchObject({
      code: 'store-embedded-failed',
      message: expect.stringMatching(/nowhere\.sock.*install etcd .*--etcd/),
    });
  });

  it('runs in a container of the engine where there is no program, keeps its data, and leaves no container', async () => {
    const image = await buildEtcdImage();
    const options = { path: dataDir, image, containers: open(parseEndpoint(undefined, process.env)) };
    const first = await start(options);
    expect(first.origin).toBe('started');
    await put('kept');
    await first.stop();
    expect(await isAway()).toBe(true);
    await start(options);
    expect(await get()).toBe('kept');
    expect((await start(options)).origin).toBe('adopted');
    for (const end of endings.splice(1).reverse()) await end();
    const name = nameContainer(join(dataDir, 'etcd'));
    const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', `name=${name}`]);
    expect(stdout).toBe('');
  });
});

function open(endpoint: EngineEndpoint): AuxiliaryContainers {
  const containers = new AuxiliaryContainers({ endpoint });
  endings.push(async () => containers.close());
  return containers;
}

/** This machine's etcd as an image: there may be no registry to pull the official one from. */
async function buildEtcdImage(): Promise<string> {
  const image = `${uniqueName('slipway-test-etcd')}:1`;
  const root = join(dataDir, 'root');
  const program = findProgram('etcd') ?? '';
  const { stdout } = await run('ldd', [program]);
  for (const file of [program, ...(stdout.match(/\/\S+/g) ?? [])]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  await run('tar', ['-C', root, '-cf', join(dataDir, 'root.tar'), '.']);
  await run('docker', ['import', '--change', `ENV PATH=/usr/bin:/bin`, join(dataDir, 'root.tar'), image]);
  endings.push(() => run('docker', ['image', 'rm', image]));
  return image;
}

describe('a snapshot of it', () => {
  it('is taken and restored by the documented commands, and the next start goes on from there', async () => {
    const etcd = await start();
    await put('kept');
    const places = { '/backup/slipway.db': join(dataDir, 'slipway.db'), '/var/lib/slipway': dataDir };
    const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint };
    const follow = async (marker: string) => {
      for (const [program = '', ...words] of readShell('etcd.md', marker, places))
        await run(program, words, { env });
    };
    await follow('snapshot');
    await put('lost');
    await etcd.stop();
    await follow('snapshot-restore-embedded');
    expect((await start()).origin).toBe('started');
    expect(await get()).toBe('kept');
    expect(await put('next')).toMatchObject({ ok: true });
  });
});
