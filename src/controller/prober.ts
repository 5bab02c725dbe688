// Probes every running container on its own schedule and folds the answers: fast until ready, at the interval after.
// Keeps records in memory only; tells when one changes what a decision could see.
import { assumeReady, recordProbe, UNPROBED } from '../../strategies/health.ts';
import type { ContainerState, Healthcheck, ProbeAnswer, ProbeRecord } from '../../strategies/model.ts';

export interface ProbeTarget {
  readonly container: ContainerState;
  readonly healthcheck: Healthcheck;
  readonly port: number | null;
  /** It serves by what the store says: a new controller takes it as ready until its probes say otherwise. */
  readonly isServing: boolean;
}

export interface ProberOptions {
  /** Throws when the engine, not the container, is at fault. */
  readonly probe: (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeAnswer>;
  /** The controller's clock. */
  readonly now: () => number;
  readonly onChange: (service: string) => void;
  readonly onTrouble: (service: string, error: unknown) => void;
}

interface Watch {
  readonly service: string;
  /** Of this run, by the engine's own clock: good for telling one run from another, and for nothing else. */
  readonly startedAt: number | null;
  /** When this run was first seen: the engine's word on when it began is by a clock that may have been set since. */
  readonly seenAt: number;
  target: ProbeTarget;
  record: ProbeRecord;
  readonly abort: AbortController;
}

/** Perhaps the engine was restarted together with the controller, and what the store says is of the run before. */
const YOUNG_MS = 60_000;

export class Prober {
  readonly #options: ProberOptions;
  readonly #watches = new Map<string, Watch>();
  /**
   * Services that were looked at before. What begins to run there later is a start like any other, be it a further run of a
   * container or a new one, which may well have the address of one that has gone and is still in the table.
   */
  readonly #known = new Set<string>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** The service's containers as just seen: new ones are taken up, those that are gone or restarted are dropped. */
  follow(service: string, targets: readonly ProbeTarget[]): void {
    const seen = new Map(targets.map((target) => [target.container.id, target]));
    for (const [id, watch] of this.#watches) {
      if (watch.service === service && !isSameRun(watch, seen.get(id))) this.#drop(id);
    }
    for (const [id, target] of seen) {
      const watch = this.#watches.get(id);
      if (watch !== undefined) watch.target = target;
      else if (target.container.state === 'running') this.#take(service, target);
    }
    this.#known.add(service);
  }

  record(containerId: string): ProbeRecord {
    return this.#watches.get(containerId)?.record ?? UNPROBED;
  }

  close(): void {
    this.#known.clear();
    for (const id of [...this.#watches.keys()]) this.#drop(id);
  }

  #take(service: string, target: ProbeTarget): void {
    const { startedAt, id } = target.container;
    const seenAt = this.#options.now();
    const isFound = target.isServing && !this.#known.has(service);
    const isYoung = startedAt !== null && seenAt - startedAt < YOUNG_MS;
    const record = isFound ? assumeReady(seenAt, !isYoung) : UNPROBED;
    const watch: Watch = { service, startedAt, seenAt, target, record, abort: new AbortController() };
    this.#watches.set(id, watch);
    void this.#run(watch);
  }

  #drop(id: string): void {
    this.#watches.get(id)?.abort.abort();
    this.#watches.delete(id);
  }

  async #run(watch: Watch): Promise<void> {
    const { signal } = watch.abort;
    while (!signal.aborted) {
      const begun = performance.now();
      const result = await this.#probeOnce(watch);
      if (signal.aborted) return;
      if (result !== null) this.#fold(watch, result);
      const { intervalMs, startIntervalMs } = watch.target.healthcheck;
      const everyMs = watch.record.readySince === null ? startIntervalMs : intervalMs;
      await sleep(Math.max(1, everyMs - (performance.now() - begun)), signal);
    }
  }

  // What is thrown speaks against the engine, not against the container: it counts for nothing.
  async #probeOnce(watch: Watch): Promise<ProbeAnswer | null> {
    try {
      return await this.#options.probe(watch.target, watch.abort.signal);
    } catch (error) {
      if (!watch.abort.signal.aborted) this.#options.onTrouble(watch.service, error);
      return null;
    }
  }

  #fold(watch: Watch, answer: ProbeAnswer): void {
    const before = watch.record;
    const result = { ...answer, at: this.#options.now() };
    watch.record = recordProbe(before, result, watch.target.healthcheck, watch.seenAt);
    const { readySince, unhealthySince, failures } = watch.record;
    const isTurn = readySince !== null && failures > 0 !== before.failures > 0;
    const isNews = readySince !== before.readySince || unhealthySince !== before.unhealthySince || isTurn;
    if (isNews) this.#options.onChange(watch.service);
  }
}

// A container that the engine restarted is another run of it: its record starts anew.
function isSameRun(watch: Watch, target: ProbeTarget | undefined): boolean {
  if (target === undefined || target.container.state !== 'running') return false;
  return target.container.startedAt === watch.startedAt;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
