// The proxy process beside the controller: adopted when one serves already, started otherwise, followed through its
// hand-overs, started again when it ends. It outlives a controller that dies, and goes with the last one that is told
// to stop.
//
// INVARIANTS
// - The pid file names the process that serves: its starter writes it, and then each successor.
// - One controller at a time starts a proxy: of those that look after the same one, the one with the lowest pid; the
//   others wait in turn, in case it cannot.
import { type ChildProcess, spawn } from 'node:child_process';
import type { ServeConfig } from '../config.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Log } from '../telemetry/log.ts';
import { Keepers } from './keepers.ts';
import { isRunning, namePidFile, readProxyPid, removePid, writePid } from './pid-file.ts';
import { composeProxyCommand, composeProxyEnvironment } from './proxy-command.ts';
import { findRegistration, nameProxy, type ProxyWord } from './proxy-name.ts';

export interface SuperviseOptions {
  readonly config: ServeConfig;
  readonly log: Log;
  readonly mirror: Mirror;
  readonly keys: Keys;
  /** Of this program: a proxy of another one is asked to hand over, once. */
  readonly version: string;
}

export interface SupervisedProxy {
  /** Resolves when its key stands in the store, or it has ended, or after a while. */
  readonly started: Promise<void>;
  /** SIGTERM, then its own drain; but while another controller here looks after it, it is left to that one. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const RESTART_FIRST_MS = 200;
const RESTART_LONGEST_MS = 10_000;
/** What each controller that goes first gets, before the next one starts the proxy in its stead. */
const TURN_MS = 3_000;
/** Beyond the proxy's own drain. */
const STOP_MARGIN_MS = 10_000;
const LOOK_MS = 500;
const POLL_MS = 100;

export function superviseProxy(options: SuperviseOptions): SupervisedProxy {
  return new ProxySupervisor(options);
}

class ProxySupervisor implements SupervisedProxy {
  readonly started: Promise<void>;
  readonly #options: SuperviseOptions;
  readonly #pidFile: string;
  readonly #keepers: Keepers;
  readonly #timer: NodeJS.Timeout;
  #child: ChildProcess | null = null;
  #isStopping = false;
  /** The process that was last seen to serve. */
  #served: number | null = null;
  #isAdopted = false;
  #failures = 0;
  #nextStart = 0;

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.#pidFile = namePidFile(options.config);
    this.#keepers = new Keepers(this.#pidFile, process.pid);
    this.#keepers.join();
    this.#look();
    this.#askOnceKnown();
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    this.started = this.#untilRegistered();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#keepers.leave();
    const others = this.#keepers.listOthers();
    if (others.length > 0) {
      this.#options.log.info('the proxy is left to another controller', { pids: others });
      return;
    }
    const pid = readProxyPid(this.#pidFile);
    // Two controllers that stop at once find nobody else: only one takes the file away, and stops the proxy.
    if (pid === null || !removePid(this.#pidFile, pid) || !signalProcess(pid, 'SIGTERM')) return;
    if (!(await this.#untilEnded(pid))) signalProcess(pid, 'SIGKILL');
  }

  get #registration(): ProxyWord | null {
    const { config, mirror, keys } = this.#options;
    return findRegistration(mirror, keys, nameProxy(config));
  }

  #look(): void {
    if (this.#isStopping) return;
    const pid = readProxyPid(this.#pidFile);
    if (pid !== null) this.#follow(pid);
    else if (this.#child === null) this.#startAgain();
  }

  #follow(pid: number): void {
    if (pid !== this.#served && pid !== this.#child?.pid) {
      const message = this.#served === null ? 'proxy adopted' : 'the proxy has handed over';
      this.#options.log.info(message, { pid });
    }
    // It ends when it has answered what it has in hand; another one serves.
    if (pid !== this.#child?.pid) this.#child = null;
    this.#served = pid;
    this.#nextStart = 0;
  }

  #startAgain(): void {
    // Nobody here has seen it: a proxy of this name that has its files elsewhere.
    if (this.#served === null && this.#registration !== null) {
      if (!this.#isAdopted) this.#options.log.info('proxy adopted', { id: nameProxy(this.#options.config) });
      this.#isAdopted = true;
      return;
    }
    const now = performance.now();
    if (this.#nextStart === 0) this.#nextStart = now + this.#keepers.countBefore() * TURN_MS;
    if (now >= this.#nextStart) this.#spawn();
  }

  /** Its version stands in its key, and etcd may be away. */
  #askOnceKnown(): void {
    const { mirror } = this.#options;
    const ask = (): void => {
      if (!this.#isStopping) this.#askForNewVersion();
    };
    mirror.ready().then(ask, () => undefined);
  }

  /** The successor takes over the port from it; one that knows no hand-over has no version, and is left alone. */
  #askForNewVersion(): void {
    const { version, log } = this.#options;
    const theirs = this.#registration?.version ?? null;
    if (this.#child !== null || this.#served === null || theirs === null || theirs === version) return;
    log.info('the proxy is of another version; asking it to hand over', { theirs, ours: version });
    signalProcess(this.#served, 'SIGUSR2');
  }

  #spawn(): void {
    const { config, log } = this.#options;
    const child = spawn(process.execPath, [...composeProxyCommand(config)], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: composeProxyEnvironment(process.env),
    });
    this.#child = child;
    const servedBefore = this.#served;
    this.#served = null;
    this.#isAdopted = false;
    if (child.pid !== undefined) writePid(this.#pidFile, child.pid);
    const begun = performance.now();
    const end = (code: number | null, signal: string | null): void => {
      if (this.#child !== child) return;
      this.#child = null;
      if (!this.#isStopping) this.#noteEnd(child, begun, { code, signal });
    };
    child.once('error', (error) => {
      log.error('the proxy could not be started', { error });
      if (child.pid !== undefined) return;
      // No process, no exit; and a key that still stands is no more another's than it was before.
      end(null, null);
      this.#served = servedBefore;
    });
    child.once('exit', end);
  }

  #noteEnd(
    child: ChildProcess,
    begun: number,
    how: { readonly code: number | null; readonly signal: string | null },
  ): void {
    if (readProxyPid(this.#pidFile) !== null) return;
    removePid(this.#pidFile, child.pid ?? 0);
    // One that ended by itself has given back its key: any that is there now is another's.
    this.#served = how.signal === null ? null : (child.pid ?? null);
    this.#failures = performance.now() - begun > RESTART_LONGEST_MS ? 1 : this.#failures + 1;
    const pauseMs = Math.min(RESTART_LONGEST_MS, RESTART_FIRST_MS * 2 ** (this.#failures - 1));
    this.#nextStart = performance.now() + pauseMs + this.#keepers.countBefore() * TURN_MS;
    this.#options.log.error('the proxy ended; starting it again', how);
    setTimeout(() => this.#look(), pauseMs).unref();
  }

  async #untilRegistered(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (this.#registration === null && !this.#isStopping && performance.now() < deadline) await sleep(5);
  }

  async #untilEnded(pid: number): Promise<boolean> {
    const deadline = performance.now() + this.#options.config.drain + STOP_MARGIN_MS;
    while (performance.now() < deadline) {
      if (!isRunning(pid, 'proxy')) return true;
      await sleep(POLL_MS);
    }
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
