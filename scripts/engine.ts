// Finds the Docker engine, or starts dockerd where none answers, and stops only what it started. Knows nothing of
// images or containers. What answers already, a user's own engine included, is used as it is.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DEFAULT_SOCKET = '/var/run/docker.sock';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

export interface Engine {
  /** `started` is true when this call started it; then `stop` ends it, else `stop` does nothing. */
  readonly started: boolean;
  readonly host: string;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly socket: string;
  /** Holds dockerd.pid and dockerd.log. */
  readonly runDirectory: string;
  /** Further arguments of dockerd. */
  readonly arguments: readonly string[];
}

/** The engine that DOCKER_HOST names, or the local one; started when the local one does not answer. */
export async function ensureEngine(): Promise<Engine> {
  const host = process.env.DOCKER_HOST || `unix://${DEFAULT_SOCKET}`;
  if (await isAnswering(host)) return { started: false, host, stop: async () => undefined };
  if (process.env.DOCKER_HOST) {
    throw new Error(
      `no engine answers at DOCKER_HOST=${host}: start it, or unset DOCKER_HOST to use the local one`,
    );
  }
  const runDirectory = resolve(import.meta.dirname, '..', '.slipway', 'run');
  const stop = await startEngine({ socket: DEFAULT_SOCKET, runDirectory, arguments: [] });
  return { started: true, host, stop };
}

/** Starts dockerd and waits until it answers; returns what stops it (containers included) and waits for its end. */
export async function startEngine(options: StartOptions): Promise<() => Promise<void>> {
  requireRoot();
  mountCgroups();
  mkdirSync(options.runDirectory, { recursive: true });
  const logPath = join(options.runDirectory, 'dockerd.log');
  const pidPath = join(options.runDirectory, 'dockerd.pid');
  rmSync(pidPath, { force: true });
  const dockerd = spawnDockerd(options, pidPath, logPath);
  try {
    await waitUntilAnswering(dockerd, options.socket, logPath);
  } catch (error) {
    await stopProcess(dockerd);
    throw error;
  }
  return async () => {
    await stopProcess(dockerd);
    rmSync(pidPath, { force: true });
  };
}

/** True when an engine answers a ping at `host` (`unix://…`, `tcp://…`, `ssh://…`) within two seconds. */
export async function isAnswering(host: string): Promise<boolean> {
  if (host.startsWith('unix://')) return pingSocket(host.slice('unix://'.length));
  const { default: Docker } = await import('dockerode');
  const answer = new Docker().ping().then(
    () => true,
    () => false,
  );
  return Promise.race([answer, sleep(2_000, false, { ref: false })]);
}

function pingSocket(socketPath: string): Promise<boolean> {
  return new Promise((settle) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume();
      settle(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => settle(false));
    ping.on('close', () => settle(false));
    ping.end();
  });
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Error('no Docker engine answers, and only root can start one: start Docker, or run this as root');
}

/** Without systemd nobody mounts the control groups that dockerd needs; Debian's cgroupfs-mount does. */
function mountCgroups(): void {
  if (readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup')) return;
  if (!existsSync('/usr/bin/cgroupfs-mount') && !existsSync('/bin/cgroupfs-mount')) return;
  execFileSync('cgroupfs-mount', { timeout: 10_000 });
}

function spawnDockerd(options: StartOptions, pidPath: string, logPath: string): ChildProcess {
  const log = openSync(logPath, 'w');
  const dockerd = spawn(
    'dockerd',
    ['--pidfile', pidPath, '--host', `unix://${options.socket}`, ...options.arguments],
    { detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  dockerd.unref();
  return dockerd;
}

async function waitUntilAnswering(dockerd: ChildProcess, socket: string, logPath: string): Promise<void> {
  let failure: Error | null = null;
  dockerd.once('error', (error) => {
    failure = error;
  });
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (await pingSocket(socket)) return;
    if (failure !== null)
      throw new Error('dockerd could not be started: is docker.io installed?', { cause: failure });
    if (hasEnded(dockerd)) throw new Error(`dockerd ended at once:\n${readTail(logPath)}`);
    await sleep(POLL_MS);
  }
  throw new Error(`dockerd does not answer after ${START_TIMEOUT_MS / 1000} s:\n${readTail(logPath)}`);
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  child.kill('SIGTERM');
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (!hasEnded(child)) {
    if (performance.now() > deadline) child.kill('SIGKILL');
    await sleep(POLL_MS);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function readTail(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
