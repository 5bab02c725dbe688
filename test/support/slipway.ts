// The program as a user runs it: `slipway serve` in a process of its own on free ports, a key prefix and a data folder
// of its own, on a real engine and etcd. Takes everything of it away again, the proxy and the containers included.
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Docker from 'dockerode';
import { parseStatus, type StatusDocument } from '../../src/cli/documents.ts';
import { openEtcd } from '../../src/store/etcd.ts';
import { buildKeys, type Keys } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/port.ts';
import { type Child, cleanEnvironment, endProcess, startChild } from './child.ts';
import { removeEverything } from './containers.ts';
import { type EtcdServer, startEtcd } from './etcd.ts';
import { findFreePorts, uniquePrefix } from './names.ts';
import { waitFor } from './wait.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');
/** As the program's own first line says. */
const NODE_FLAG = '--max-semi-space-size=8';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Slipway {
  readonly prefix: string;
  readonly keys: Keys;
  readonly store: Store;
  readonly etcd: EtcdServer;
  /** The engine that it uses. */
  readonly docker: Docker;
  readonly ports: { readonly http: number; readonly admin: number; readonly proxyAdmin: number };
  /** Runs `slipway` with these arguments against this etcd and prefix. */
  cli(...args: readonly string[]): Promise<CliResult>;
  /** Returns the etcd revision of the write. */
  put(key: string, value: string): Promise<number>;
  remove(key: string): Promise<void>;
  read(key: string): Promise<string | null>;
  status(service: string): Promise<StatusDocument | null>;
  /** Ends the daemon alone; with SIGTERM its proxy goes with it. */
  endDaemon(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** 0 before the first start. */
  daemonPid(): number;
  /** At once. */
  signalDaemon(signal: NodeJS.Signals): void;
  startDaemon(): Promise<void>;
  /** Without waiting for it; `untilReady` does. */
  launchDaemon(): void;
  untilReady(): Promise<void>;
  /** Another `serve` with the same data folder and proxy; resolves when it is ready. */
  startStandby(): Promise<Child>;
  /** Of the proxy that serves beside the daemon; null while there is none. */
  proxyPid(): number | null;
  /** A further process of the program on this etcd and prefix; whoever starts it ends it. */
  launch(command: 'serve' | 'proxy', args: readonly string[]): Child;
  /** What they all wrote. */
  log(): string;
  stop(): Promise<void>;
}

export interface SlipwayOptions {
  /** One that somebody else started, and ends. */
  readonly etcd?: EtcdServer;
  /** Further arguments of `serve`. */
  readonly arguments?: readonly string[];
  /** A proxy process of its own beside `serve --no-proxy`. */
  readonly isProxyApart?: boolean;
  /** Another engine than that of all tests. */
  readonly engine?: { readonly host: string; readonly docker: Docker };
  /** Of the daemon, beside what the tests have. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the daemon writes its log, instead of where `log` reads. */
  readonly logPath?: string;
}

export async function startSlipway(options: SlipwayOptions = {}): Promise<Slipway> {
  const etcd = options.etcd ?? (await startEtcd());
  const slipway = new RunningSlipway(etcd, await findFreePorts(3), options);
  try {
    await slipway.startDaemon();
  } catch (error) {
    await slipway.stop();
    throw error;
  }
  return slipway;
}

class RunningSlipway implements Slipway {
  readonly prefix = uniquePrefix();
  readonly keys = buildKeys(this.prefix);
  readonly store: Store;
  readonly etcd: EtcdServer;
  readonly docker: Docker;
  readonly ports: Slipway['ports'];
  readonly #options: SlipwayOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'slipway-e2e-'));
  #daemon: Child | null = null;
  readonly #standbys: Child[] = [];
  #proxy: Child | null = null;

  constructor(etcd: EtcdServer, [http = 0, admin = 0, proxyAdmin = 0]: number[], options: SlipwayOptions) {
    this.etcd = etcd;
    this.docker = options.engine?.docker ?? new Docker();
    this.store = openEtcd({ endpoints: etcd.url.split(',') });
    this.ports = { http, admin, proxyAdmin };
    this.#options = options;
  }

  async startDaemon(): Promise<void> {
    this.launchDaemon();
    await this.untilReady();
  }

  launchDaemon(): void {
    this.#daemon = this.#launchDaemon(this.ports.admin);
  }

  async untilReady(): Promise<void> {
    if (this.#daemon === null) throw new Error('no daemon was started');
    await this.#untilReady(this.#daemon, this.ports.admin);
  }

  async startStandby(): Promise<Child> {
    const [admin = 0] = await findFreePorts(1);
    const standby = this.#launchDaemon(admin);
    this.#standbys.push(standby);
    await this.#untilReady(standby, admin);
    return standby;
  }

  proxyPid(): number | null {
    return this.#findProxies()[0] ?? null;
  }

  #launchDaemon(admin: number): Child {
    const { http, proxyAdmin } = this.ports;
    const { isProxyApart = false, arguments: more = [], engine, environment, logPath } = this.#options;
    const docker = engine === undefined ? [] : ['--docker', engine.host];
    const proxyPorts = ['--http', `127.0.0.1:${http}`, isProxyApart ? '--admin' : '--proxy-admin'];
    const proxy = [...proxyPorts, `127.0.0.1:${proxyAdmin}`];
    if (isProxyApart) this.#proxy ??= this.launch('proxy', proxy);
    const serve = isProxyApart ? ['--no-proxy'] : proxy;
    const args = ['--admin', `127.0.0.1:${admin}`, '--leader-ttl', '5s', ...serve, ...docker, ...more];
    return this.#launch('serve', args, { environment, logPath });
  }

  async endDaemon(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.signalDaemon(signal);
    await this.#daemon?.exited;
  }

  daemonPid(): number {
    return this.#daemon?.pid ?? 0;
  }

  signalDaemon(signal: NodeJS.Signals): void {
    this.#daemon?.kill(signal);
  }

  cli(...args: readonly string[]): Promise<CliResult> {
    const all = [MAIN, ...args, '--etcd', this.etcd.url, '--prefix', this.prefix];
    const options = { env: cleanEnvironment(), timeout: 170_000, maxBuffer: 16 * 1024 * 1024 };
    return new Promise((settle) => {
      execFile(process.execPath, all, options, (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
        settle({ code, stdout, stderr });
      });
    });
  }

  async put(key: string, value: string): Promise<number> {
    const commit = await this.store.commit({ guards: [], puts: [{ key, value }], deletes: [] });
    if (!commit.ok) throw new Error(`${key} could not be written`);
    return commit.revision;
  }

  async remove(key: string): Promise<void> {
    await this.store.commit({ guards: [], puts: [], deletes: [key] });
  }

  async read(key: string): Promise<string | null> {
    return (await this.store.get(key))?.value ?? null;
  }

  async status(service: string): Promise<StatusDocument | null> {
    const text = await this.read(this.keys.status(service));
    return text === null ? null : parseStatus(text);
  }

  log(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8');
  }

  async stop(): Promise<void> {
    for (const daemon of [this.#daemon, ...this.#standbys]) await daemon?.stop(60_000);
    await this.#proxy?.stop(60_000);
    // A daemon that was killed leaves its proxy serving.
    for (const pid of this.#findProxies()) await endProcess(pid);
    await this.store.close();
    await removeEverything(this.prefix, this.docker);
    if (this.#options.etcd === undefined) await this.etcd.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  launch(command: 'serve' | 'proxy', args: readonly string[]): Child {
    return this.#launch(command, args);
  }

  #launch(
    command: 'serve' | 'proxy',
    args: readonly string[],
    place: {
      readonly environment?: Readonly<Record<string, string>> | undefined;
      readonly logPath?: string | undefined;
    } = {},
  ): Child {
    const log = openSync(place.logPath ?? join(this.#folder, 'log'), 'a');
    const common = ['--etcd', this.etcd.url, '--prefix', this.prefix, '--data-dir', this.#folder];
    const child = startChild(process.execPath, [NODE_FLAG, MAIN, command, ...common, ...args], {
      stdio: ['ignore', log, log],
      env: { ...cleanEnvironment(), ...place.environment },
    });
    closeSync(log);
    return child;
  }

  async #untilReady(daemon: Child, admin: number): Promise<void> {
    const hopeless = () => {
      const isAlive = daemon.isRunning() && this.#proxy?.isRunning() !== false;
      return isAlive ? null : `the daemon or its proxy has ended:\n${this.log()}`;
    };
    const isUp = async () => {
      const { entries } = await this.store.list(this.keys.proxies);
      if (entries.length === 0) return false;
      // A proxy is known before it listens, so that a controller waits for it.
      const asked = [admin, this.ports.proxyAdmin].map((port) => fetch(`http://127.0.0.1:${port}/readyz`));
      return (await Promise.all(asked)).every(({ status }) => status === 200);
    };
    await waitFor('the daemon to be ready', isUp, { timeoutMs: 60_000, intervalMs: 100, hopeless });
  }

  #findProxies(): number[] {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.pid'));
    return files.map((name) => Number(readFileSync(join(this.#folder, name), 'utf8')));
  }
}
