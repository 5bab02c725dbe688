// What the demo stands on, made by it and taken away again: images, an embedded etcd, the daemon with its proxy. Uses
// nobody's port, key, container or file but its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { LABELS } from '../deploy/labels.ts';
import { EMBEDDED_ENDPOINT } from '../src/config-files.ts';
import { startEmbeddedEtcd } from '../src/store/embedded.ts';
import { openEtcd } from '../src/store/etcd.ts';
import type { Store } from '../src/store/port.ts';
import { buildImage, ensureBaseImage, listImages, removeImages, TEST_REPOSITORY } from './images.ts';
import { hasNetwork, removeNetwork } from './network.ts';

/** Each run has keys, containers and images of its own: two at once do not meet. */
export const PREFIX = `/slipway-demo-${process.pid}`;
export const REPOSITORY = `${TEST_REPOSITORY}/demo-${process.pid}`;
/** Good, good, and one whose health turns bad after eight seconds. */
const VERSIONS = { v1: {}, v2: {}, v3: { UNHEALTHY_AFTER_MS: '8000' } } as const;
const ROOT = resolve(import.meta.dirname, '..');

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 45_000;

export interface Stage {
  readonly store: Store;
  readonly etcd: string;
  readonly httpPort: number;
  readonly adminPort: number;
}

type Release = () => Promise<unknown>;

/** Registers what undoes each step as soon as the step is made; the caller runs the releases in reverse. */
export class StageBuilder {
  readonly #docker = new Docker();
  readonly #releases: Release[] = [];
  #base = '';

  /** Resolves when the images stand. */
  async buildImages(signal: AbortSignal): Promise<void> {
    const before = await listImages(TEST_REPOSITORY, this.#docker);
    this.#releases.push(async () => {
      const now = await listImages(TEST_REPOSITORY, this.#docker);
      const ours = now.filter((name) => name.startsWith(`${REPOSITORY}:`) || name === this.#base);
      await removeImages(
        ours.filter((name) => !before.includes(name)),
        this.#docker,
      );
    });
    this.#base = await ensureBaseImage(this.#docker);
    for (const [tag, env] of Object.entries(VERSIONS)) {
      signal.throwIfAborted();
      await buildImage({ repository: REPOSITORY, tag, env }, this.#docker);
    }
  }

  async startDaemon(signal: AbortSignal): Promise<Stage> {
    await this.#rememberNetwork();
    const folder = mkdtempSync(join(tmpdir(), `slipway-demo-${process.pid}-`));
    this.#releases.push(async () => rmSync(folder, { recursive: true, force: true }));
    const [http = 0, admin = 0, proxyAdmin = 0, etcdPort = 0] = await findFreePorts(4);
    const etcd = await this.#chooseEtcd(folder, etcdPort, signal);
    const daemon = this.#spawn(folder, [
      ...(etcd === EMBEDDED_ENDPOINT ? [] : ['--etcd', etcd]),
      ...['--prefix', PREFIX, '--data-dir', folder, '--http', `127.0.0.1:${http}`],
      ...['--admin', `127.0.0.1:${admin}`, '--proxy-admin', `127.0.0.1:${proxyAdmin}`],
    ]);
    await untilReady(daemon, admin, folder, signal);
    const store = openEtcd({ endpoints: [etcd] });
    this.#releases.push(() => store.close());
    return { store, etcd, httpPort: http, adminPort: admin };
  }

  /** Last in, first out; one that fails does not keep the others. */
  async takeDown(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const release of this.#releases.reverse()) {
      try {
        await release();
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }
    return problems;
  }

  // The daemon's own default where that port is free; where somebody's etcd or another program has it, a port of ours.
  async #chooseEtcd(folder: string, port: number, signal: AbortSignal): Promise<string> {
    if (await isFree(Number(new URL(EMBEDDED_ENDPOINT).port))) return EMBEDDED_ENDPOINT;
    const etcd = await startEmbeddedEtcd({
      dataDir: folder,
      endpoint: `http://127.0.0.1:${port}`,
      signal,
    });
    this.#releases.push(() => etcd.stop());
    return etcd.endpoint;
  }

  // In a process group of its own: Ctrl-C is ours to answer, and the daemon is then stopped in order.
  #spawn(folder: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(folder, 'daemon.log'), 'a');
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_'));
    const daemon = spawn(
      process.execPath,
      ['--max-semi-space-size=8', join(ROOT, 'src/main.ts'), 'serve', ...args],
      {
        detached: true,
        stdio: ['ignore', log, log],
        env: Object.fromEntries(kept),
      },
    );
    closeSync(log);
    this.#releases.push(async () => {
      await stopProcess(daemon);
      await this.#removeContainers();
    });
    return daemon;
  }

  async #removeContainers(): Promise<void> {
    const filters = { label: [`${LABELS.prefix}=${PREFIX}`] };
    const ours = await this.#docker.listContainers({ all: true, filters });
    await Promise.all(ours.map(({ Id }) => this.#docker.getContainer(Id).remove({ force: true, v: true })));
  }

  // The daemon makes its network when there is none; one that stood before, or that others use, stays.
  async #rememberNetwork(): Promise<void> {
    if (await hasNetwork(this.#docker)) return;
    this.#releases.push(() => removeNetwork(this.#docker));
  }
}

async function untilReady(
  daemon: ChildProcess,
  adminPort: number,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    if (daemon.exitCode !== null || daemon.signalCode !== null) break;
    if (await isReady(adminPort)) return;
    await sleep(100, undefined, { signal });
  }
  const words = readFileSync(join(folder, 'daemon.log'), 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  throw new Error(`the daemon did not start:\n${words}`);
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  while (child.exitCode === null && child.signalCode === null) {
    if (performance.now() > deadline) child.kill('SIGKILL');
    await sleep(50);
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port).catch(() => null);
  if (server === null) return false;
  await new Promise((closed) => server.close(closed));
  return true;
}

async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => {
    const address = server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((settle, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => settle(server));
  });
}
