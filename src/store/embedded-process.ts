// The embedded etcd as a process: started detached, so that it outlives a daemon that is killed; ended by SIGTERM, then
// SIGKILL. Does not decide whether to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isAlive, type ProcessIdentity } from './embedded-record.ts';
import { StoreError } from './errors.ts';

const LOG_MAX_BYTES = 10 * 1024 * 1024;
const STOP_GRACE_MS = 5_000;
const POLL_MS = 25;

/** Of one member that only this machine can reach. History is kept for an hour; one transaction may write 1024 keys. */
export function etcdArguments(
  clientUrl: string,
  advertised: string,
  peerUrl: string,
  dataDir: string,
): string[] {
  return [
    ...['--name', 'slipway', '--data-dir', dataDir],
    ...['--listen-client-urls', clientUrl, '--advertise-client-urls', advertised],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `slipway=${peerUrl}`, '--initial-cluster-state', 'new'],
    ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h'],
    ...['--quota-backend-bytes', String(2 * 1024 ** 3), '--max-txn-ops', '1024'],
    ...['--logger', 'zap', '--log-level', 'warn'],
  ];
}

/** The full path of a program, or null. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | null {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not there, or not for us: the next folder.
    }
  }
  return null;
}

export async function spawnEtcd(program: string, endpoint: string, folder: string): Promise<ProcessIdentity> {
  const peerUrl = `http://127.0.0.1:${await findFreePort()}`;
  const logPath = join(folder, 'etcd.log');
  rotateLog(logPath);
  const log = openSync(logPath, 'a', 0o600);
  const child = spawn(program, etcdArguments(endpoint, endpoint, peerUrl, join(folder, 'data')), {
    detached: true,
    stdio: ['ignore', log, log],
    env: etcdEnvironment(),
    cwd: folder,
  });
  closeSync(log);
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new StoreError('store-embedded-failed', `${program} cannot be run: install it anew`, cause);
  }
  child.unref();
  const { pid = 0 } = child;
  return identifyProcess(pid) ?? { pid, started: 'ended at once' };
}

/** Resolves when it has ended; gone already is success. */
export async function endProcess(etcd: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(etcd)) return;
    process.kill(etcd.pid, signal);
    // A frozen process takes its SIGTERM only when it goes on.
    process.kill(etcd.pid, 'SIGCONT');
    const deadline = performance.now() + STOP_GRACE_MS;
    while (isAlive(etcd) && performance.now() < deadline) await sleep(POLL_MS);
  }
  if (isAlive(etcd)) {
    throw new StoreError('store-embedded-failed', `etcd (process ${etcd.pid}) does not end: end it by hand`);
  }
}

/** The last words of its log, for an error's message. */
export function readLastWords(folder: string): string {
  try {
    return readFileSync(join(folder, 'etcd.log'), 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  } catch {
    return '(it wrote no log)';
  }
}

/** Settings of another etcd in our environment are not meant for this one. */
function etcdEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_'));
  // Etcd before 3.5 refuses 64-bit ARM without it.
  return {
    ...Object.fromEntries(own),
    ...(process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {}),
  };
}

function rotateLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_MAX_BYTES) renameSync(path, `${path}.1`);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') {
    throw new StoreError('store-embedded-failed', 'no free port for etcd on 127.0.0.1: close something');
  }
  return address.port;
}
