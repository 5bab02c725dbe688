// Keeps an embedded etcd running for as long as its daemon does: starts it, looks after it, and starts it again when it
// has ended. Its data is on the disk, so what was acknowledged is there again.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedEtcd, type EmbeddedOptions, hasEnded, startEmbeddedEtcd } from './embedded.ts';
import { findProgram } from './embedded-process.ts';
import { readRecord } from './embedded-record.ts';

export interface KeeperOptions extends Omit<EmbeddedOptions, 'signal'> {
  /** Each time that one answers. */
  readonly onServing: (etcd: EmbeddedEtcd) => void;
  /** `streak` counts failures in a row. */
  readonly onTrouble: (error: unknown, streak: number) => void;
}

export interface EmbeddedKeeper {
  /** Resolves when etcd answers for the first time; rejects when this machine has nothing that could be started. */
  readonly started: Promise<void>;
  /** Why it does not run, or null. */
  trouble(): string | null;
  stop(): Promise<void>;
}

const LOOK_MS = 200;
/** To ask for a container takes a program of its own. */
const LOOK_CONTAINER_MS = 5_000;
const RETRY_MS = 200;
const RETRY_MAX_MS = 10_000;

/** Starts at once. */
export function keepEmbeddedEtcd(options: KeeperOptions): EmbeddedKeeper {
  return new Keeper(options);
}

class Keeper implements EmbeddedKeeper {
  readonly started: Promise<void>;
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #etcd: EmbeddedEtcd | null = null;
  #trouble: string | null = 'the embedded etcd is starting';

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.started = this.#first.promise;
    this.started.catch(() => undefined);
    this.#ended = this.#run();
  }

  trouble(): string | null {
    return this.#trouble;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await this.#etcd?.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let streak = 0; !signal.aborted; ) {
      const begun = performance.now();
      try {
        await this.#serveOnce();
        if (performance.now() - begun > RETRY_MAX_MS) streak = 0;
        if (!signal.aborted) throw new Error('it has ended; it is started again');
      } catch (error) {
        if (signal.aborted) return;
        streak += 1;
        this.#tell(error, streak);
        if (!this.#canStart()) return this.#first.reject(error);
        await pause(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(streak - 1, 10)), signal);
      }
    }
  }

  /** Returns when it has ended, or the keeper stops. */
  async #serveOnce(): Promise<void> {
    const { signal } = this.#stop;
    const { onServing } = this.#options;
    const etcd = await startEmbeddedEtcd({ ...this.#options, signal });
    this.#etcd = etcd;
    this.#trouble = null;
    onServing(etcd);
    this.#first.resolve();
    const record = readRecord(join(this.#options.dataDir, 'etcd'));
    // An etcd that no daemon started is its owner's to restart.
    const isOurs = etcd.origin !== 'found' || record?.endpoint === etcd.endpoint;
    const everyMs = record?.etcd.kind === 'container' ? LOOK_CONTAINER_MS : LOOK_MS;
    while (!signal.aborted && !(isOurs && (await hasEnded(this.#options)))) await pause(everyMs, signal);
  }

  #tell(error: unknown, streak: number): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#trouble = `the embedded etcd does not run: ${why}`;
    this.#options.onTrouble(error, streak);
  }

  #canStart(): boolean {
    const { path, containers } = this.#options;
    return findProgram('etcd', path) !== null || containers !== undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
