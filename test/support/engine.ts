// A Docker engine of a test's own (dockerd with its own bridge, data and socket), for tests that restart or break
// one. Its containers are reachable from this machine; nothing is shared with the engine of everybody else.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { startEngine } from '../../scripts/engine.ts';
import { uniqueName } from './names.ts';

export interface PrivateEngine {
  /** As in DOCKER_HOST: `unix://…`. */
  readonly host: string;
  readonly docker: Docker;
  /** Where its images and containers lie. */
  readonly data: string;
  /** Stops dockerd, and its containers with it. */
  halt(): Promise<void>;
  /** After `halt`: the same data, the same socket. */
  resume(): Promise<void>;
  /** SIGSTOP: connections are taken, nothing answers; containers run on. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes all that it had. */
  stop(): Promise<void>;
}

/** `extraArguments` are dockerd's, such as `--live-restore`; with `sizeMib` its data lies in memory, and no more than that. */
export async function startPrivateEngine(
  extraArguments: readonly string[] = [],
  sizeMib: number | null = null,
): Promise<PrivateEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-dockerd-'));
  const data = join(folder, 'data');
  if (sizeMib !== null) {
    mkdirSync(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', data], { timeout: 10_000 });
  }
  const socket = join(folder, 'docker.sock');
  const bridge = uniqueName('slip').slice(0, 15);
  addBridge(bridge);
  const options = {
    socket,
    runDirectory: folder,
    arguments: [
      ...['--data-root', data, '--exec-root', join(folder, 'exec'), '--bridge', bridge],
      ...['--iptables=false', '--ip-masq=false', '--userland-proxy=false', ...extraArguments],
    ],
  };
  let end = await startEngine(options);
  const docker = new Docker({ socketPath: socket });
  return {
    host: `unix://${socket}`,
    docker,
    data,
    halt: () => end(),
    resume: async () => {
      end = await startEngine(options);
    },
    freeze: () => signalEngine(folder, 'SIGSTOP'),
    thaw: () => signalEngine(folder, 'SIGCONT'),
    stop: async () => {
      signalEngine(folder, 'SIGCONT');
      const bridges = await listBridges(docker);
      await end();
      endContainers(folder);
      for (const each of [bridge, ...bridges.filter((name) => existsSync(`/sys/class/net/${name}`))])
        execFileSync('ip', ['link', 'delete', each], { timeout: 10_000 });
      if (sizeMib !== null) execFileSync('umount', ['--lazy', data], { timeout: 10_000 });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function signalEngine(folder: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(Number(readFileSync(join(folder, 'dockerd.pid'), 'utf8')), signal);
}

/** With live-restore containers outlive their engine, each under a shim that names its folder. */
function endContainers(folder: string): void {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const shims = new Set(pids.filter((pid) => readText(`/proc/${pid}/cmdline`).includes(`${folder}/exec`)));
  const parentOf = (pid: string) => / \(.*\) \S (\d+)/.exec(readText(`/proc/${pid}/stat`))?.[1] ?? '';
  for (const pid of [...pids.filter((each) => shims.has(parentOf(each))), ...shims]) endNow(Number(pid));
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended with the one before it.
  }
}

/** '' for one that has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Of the networks that were made on it: their bridges outlive an engine whose data goes. */
async function listBridges(docker: Docker): Promise<readonly string[]> {
  const networks = await docker.listNetworks({ filters: { type: ['custom'] } });
  return networks.filter(({ Driver }) => Driver === 'bridge').map(({ Id }) => `br-${Id.slice(0, 12)}`);
}

/** A bridge on a /24 of its own out of 10.213.0.0/16, by chance; a network that exists already refuses its address. */
function addBridge(bridge: string): void {
  const third = Math.floor(Math.random() * 256);
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge'], { timeout: 10_000 });
  execFileSync('ip', ['address', 'add', `10.213.${third}.1/24`, 'dev', bridge], { timeout: 10_000 });
  execFileSync('ip', ['link', 'set', bridge, 'up'], { timeout: 10_000 });
}
