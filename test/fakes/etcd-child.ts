// A real etcd for one test file: on free loopback ports with a data directory of its own; can be killed and restarted
// on the same ports and data. Stops and leaves nothing behind on `stop`.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface EtcdChild {
  readonly endpoint: string;
  readonly pid: () => number;
  /** Runs etcdctl against it and returns what it prints. */
  ctl(...args: readonly string[]): Promise<string>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Freezes it: connections stay, nothing answers. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

export interface EtcdChildOptions {
  /** More arguments for etcd, such as those of TLS. */
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
  readonly ctlArgs?: readonly string[];
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function startEtcdChild(options: EtcdChildOptions = {}): Promise<EtcdChild> {
  const { args = [], scheme = 'http', ctlArgs = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'slipway-etcd-'));
  const endpoint = `${scheme}://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  let child: ChildProcess | null = null;

  const ctl = async (...words: readonly string[]): Promise<string> => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const { stdout } = await run('etcdctl', ['--endpoints', endpoint, ...ctlArgs, ...words], {
      env,
      timeout: 20_000,
    });
    return stdout;
  };
  const kill = async (): Promise<void> => {
    const gone = child;
    child = null;
    if (!gone || gone.exitCode !== null) return;
    const exited = new Promise((resolve) => gone.once('exit', resolve));
    gone.kill('SIGKILL');
    await exited;
  };
  const start = async (): Promise<void> => {
    const flags = [
      ...['--name', 'test', '--data-dir', folder, '--log-level', 'error'],
      ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `test=${peer}`],
    ];
    child = spawn('etcd', [...flags, ...args], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const healthy = await ctl('endpoint', 'status').then(
        () => true,
        () => false,
      );
      if (healthy) return;
      await sleep(50);
    }
    throw new Error(`etcd at ${endpoint} did not answer`);
  };

  await start();
  return {
    endpoint,
    pid: () => child?.pid ?? 0,
    ctl,
    kill,
    start,
    signal: (name) => void child?.kill(name),
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
