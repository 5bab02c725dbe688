// A real etcd of a test's own, on free ports and a temporary folder; it can be killed, frozen and started again.
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, startChild, tellEnd } from './child.ts';
import { findFreePorts } from './names.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);

export interface EtcdServer {
  readonly url: string;
  /** Runs `etcdctl` (API 3) against it and returns what it prints; throws with its words when it fails. */
  ctl(...args: readonly string[]): Promise<string>;
  /** SIGKILL, data kept. */
  kill(): Promise<void>;
  /** After `kill`: the same data on the same port. */
  restart(): Promise<void>;
  /** Ends it and loses its data; starts again on the same port, with what `fill` makes in the data's place, or with nothing. */
  startOver(fill?: (dataDir: string) => Promise<void>): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export async function startEtcd(extraArguments: readonly string[] = []): Promise<EtcdServer> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-etcd-'));
  const [clientPort, peerPort] = await findFreePorts(2);
  const url = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const args = [
    ...['--name', 'test', '--data-dir', join(folder, 'data'), '--log-level', 'error', '--logger', 'zap'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...[
      '--listen-peer-urls',
      peerUrl,
      '--initial-advertise-peer-urls',
      peerUrl,
      '--initial-cluster',
      `test=${peerUrl}`,
    ],
    ...extraArguments,
  ];
  let child = await launch(folder, url, args);
  return {
    url,
    ctl: (...command) => runEtcdctl(url, command),
    kill: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
    restart: async () => {
      await child.stop();
      child = await launch(folder, url, args);
    },
    startOver: async (fill) => {
      await child.stop();
      const dataDir = join(folder, 'data');
      rmSync(dataDir, { recursive: true });
      await fill?.(dataDir);
      child = await launch(folder, url, args);
    },
    freeze: () => freezeProcess(child),
    thaw: () => child.kill('SIGCONT'),
    stop: async () => {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Returns once it stands still: a thread that runs elsewhere may answer for a moment after the signal. */
function freezeProcess({ pid, kill }: Child): void {
  kill('SIGSTOP');
  const isStill = (): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  for (const until = performance.now() + 5_000; !isStill() && performance.now() < until; );
}

async function launch(folder: string, url: string, args: readonly string[]): Promise<Child> {
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'a');
  const child = startChild('etcd', args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const isHealthy = async () => {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return (await response.text()).includes('true');
  };
  await waitFor(`etcd at ${url}`, isHealthy, { hopeless: () => tellEnd(child, logPath) });
  return child;
}

async function runEtcdctl(url: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const { stdout } = await run('etcdctl', ['--endpoints', url, ...args], { env, timeout: 20_000 });
  return stdout;
}
