// The proxy process beside the controller: adopted when one with its id lives already, started otherwise, started again
// when it ends. It outlives a controller that dies, and goes with one that is told to stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServeConfig } from '../config.ts';
import { EMBEDDED_ENDPOINT } from '../config-files.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Log } from '../telemetry/log.ts';
import { nameProxy } from './proxy.ts';

export interface SuperviseOptions {
  readonly config: ServeConfig;
  readonly log: Log;
  readonly mirror: Mirror;
  readonly keys: Keys;
}

export interface SupervisedProxy {
  /** Resolves when its key stands in the store, or it has ended, or after a while. */
  readonly started: Promise<void>;
  /** SIGTERM, then its own drain. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const RESTART_FIRST_MS = 200;
const RESTART_LONGEST_MS = 10_000;
/** Beyond the proxy's own drain deadline. */
const STOP_TIMEOUT_MS = 40_000;
const POLL_MS = 100;

export function superviseProxy(options: SuperviseOptions): SupervisedProxy {
  return new ProxySupervisor(options);
}

class ProxySupervisor implements SupervisedProxy {
  readonly started: Promise<void>;
  readonly #options: SuperviseOptions;
  readonly #key: string;
  readonly #pidFile: string;
  readonly #stopWatching: () => void;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SuperviseOptions) {
    const { config, mirror, keys } = options;
    this.#options = options;
    this.#key = keys.proxy(nameProxy(config));
    this.#pidFile = join(config.dataDir, `proxy-${config.http.port}.pid`);
    mkdirSync(config.dataDir, { recursive: true });
    this.#stopWatching = mirror.onChange((changed) => {
      if (changed.includes(this.#key)) this.#look();
    });
    this.started = this.#untilRegistered();
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopWatching();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const pid = this.#child?.pid ?? readProxyPid(this.#pidFile);
    if (pid === null || !signalProcess(pid, 'SIGTERM')) return;
    if (!(await this.#untilGone(pid))) signalProcess(pid, 'SIGKILL');
    rmSync(this.#pidFile, { force: true });
  }

  get #isRegistered(): boolean {
    return this.#options.mirror.get(this.#key) !== null;
  }

  // A key without a child of ours is a proxy that an earlier controller left serving.
  #look(): void {
    if (this.#isStopping || this.#child !== null || this.#timer !== null) return;
    if (this.#isRegistered || readProxyPid(this.#pidFile) !== null) {
      this.#options.log.info('proxy adopted', { id: nameProxy(this.#options.config) });
      this.#lookAgainIn(RESTART_LONGEST_MS);
      return;
    }
    this.#spawn();
  }

  #lookAgainIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isRegistered && readProxyPid(this.#pidFile) === null) this.#look();
      else if (!this.#isStopping && this.#child === null) this.#lookAgainIn(RESTART_LONGEST_MS);
    }, ms);
    this.#timer.unref();
  }

  #spawn(): void {
    const { config, log } = this.#options;
    const child = spawn(process.execPath, [...process.execArgv, findMain(), 'proxy', ...listFlags(config)], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#child = child;
    if (child.pid !== undefined) writeFileSync(this.#pidFile, `${child.pid}\n`);
    const begun = performance.now();
    child.once('error', (error) => log.error('the proxy could not be started', { error }));
    child.once('exit', (code, signal) => {
      this.#child = null;
      rmSync(this.#pidFile, { force: true });
      if (this.#isStopping) return;
      this.#failures = performance.now() - begun > RESTART_LONGEST_MS ? 1 : this.#failures + 1;
      log.error('the proxy ended; starting it again', { code, signal });
      this.#lookAgainIn(Math.min(RESTART_LONGEST_MS, RESTART_FIRST_MS * 2 ** (this.#failures - 1)));
    });
  }

  async #untilRegistered(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!this.#isRegistered && !this.#isStopping && performance.now() < deadline) await sleep(5);
  }

  async #untilGone(pid: number): Promise<boolean> {
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (!isProxy(pid)) return true;
      await sleep(POLL_MS);
    }
    return false;
  }
}

function listFlags(config: ServeConfig): readonly string[] {
  const address = ({ host, port }: ServeConfig['http']) =>
    `${host?.includes(':') ? `[${host}]` : (host ?? '')}:${port}`;
  const etcd = config.etcd === 'embedded' ? EMBEDDED_ENDPOINT : config.etcd.join(',');
  const optional: readonly (readonly [string, string | null])[] = [
    ['--etcd-user', config.etcdUser],
    ['--etcd-password-file', config.etcdPasswordFile],
    ['--etcd-ca', config.etcdCa],
    ['--etcd-cert', config.etcdCert],
    ['--etcd-key', config.etcdKey],
  ];
  return [
    ...[
      '--http',
      address(config.http),
      '--admin',
      address(config.proxyAdmin),
      '--workers',
      String(config.workers),
    ],
    ...[
      '--prefix',
      config.prefix,
      '--etcd',
      etcd,
      '--data-dir',
      config.dataDir,
      '--log-level',
      config.logLevel,
    ],
    ...optional.flatMap(([flag, value]) => (value === null ? [] : [flag, value])),
  ];
}

// `main.ts` in a checkout, `main.js` in a build: beside this file's folder in both.
function findMain(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../main.${ending}`, import.meta.url));
}

/** Null when the file, or that process, is gone. */
function readProxyPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 && isProxy(pid) ? pid : null;
  } catch {
    return null;
  }
}

// A pid may have been given to another program since: its command line must be a proxy's.
function isProxy(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes('proxy') && words.some((word) => /main\.[tj]s$/.test(word));
  } catch {
    return false;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
