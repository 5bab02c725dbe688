// One service under test in a running Slipway: a spec that comes to its verdicts quickly, releases by the version key,
// and what became of them. Its name is its own, for container names are shared by all of an engine.
import { stringify } from 'yaml';
import type { LoadTarget } from '../../scripts/load-exchange.ts';
import { type FinishedDocument, parseFinished, type StatusDocument } from '../../src/cli/documents.ts';
import type { CommandWord, StrategyType } from '../../strategies/model.ts';
import { type FoundContainer, listContainers } from './containers.ts';
import { uniqueName } from './names.ts';
import type { CliResult, Slipway } from './slipway.ts';
import { waitFor } from './wait.ts';

export const STRATEGIES = ['recreate', 'rolling', 'blue-green', 'canary'] as const;

export type SpecFields = Readonly<Record<string, unknown>>;

/** Of each strategy, the fields that make a rollout quick without making it another. */
const QUICK: Readonly<Record<StrategyType, SpecFields>> = {
  recreate: {},
  rolling: {},
  'blue-green': { keep_old: '0s' },
  canary: { steps: [{ weight: 34 }, { pause: '500ms' }] },
};

/** A good version is not condemned by a slow machine. */
const PATIENT_CHECK = {
  ...{ http: '/health', interval: '2s', start_interval: '100ms' },
  ...{ timeout: '10s', retries: 6, start_period: '1m' },
};

/** For versions whose probes fail: a verdict in seconds. */
export const QUICK_CHECK = { ...PATIENT_CHECK, interval: '500ms', retries: 4, start_period: '8s' };

const PATIENT = { timeoutMs: 120_000, intervalMs: 100 };

export interface ServiceOptions {
  /** Repository. */
  readonly image: string;
  readonly strategy: StrategyType;
  readonly spec?: SpecFields;
  readonly tuning?: SpecFields;
}

export class Service {
  readonly name: string;
  readonly slipway: Slipway;
  readonly target: LoadTarget;
  #spec: SpecFields;

  constructor(slipway: Slipway, { image, strategy, spec, tuning }: ServiceOptions) {
    this.slipway = slipway;
    this.name = uniqueName(strategy);
    this.target = { port: slipway.ports.http, host: `${this.name}.test` };
    const common = { type: strategy, min_ready: '200ms', monitor: '2s', progress_deadline: '60s' };
    this.#spec = {
      image,
      replicas: 3,
      port: 8080,
      routes: [{ host: this.target.host }],
      healthcheck: PATIENT_CHECK,
      stop_grace_period: '5s',
      drain_timeout: '20s',
      strategy: { ...common, ...QUICK[strategy], ...tuning },
      proxy: { timeout: '2m', park: { timeout: '5m', max_requests: 10000 } },
      ...spec,
    };
  }

  /** Writes the spec, with these fields changed from now on. */
  async apply(changes: SpecFields = {}): Promise<number> {
    this.#spec = { ...this.#spec, ...changes };
    return await this.slipway.put(this.slipway.keys.spec(this.name), stringify(this.#spec));
  }

  /** Changes fields of the strategy, which starts no rollout. */
  async tune(changes: SpecFields): Promise<void> {
    const strategy = { ...Object(this.#spec.strategy), ...changes };
    const written = await this.apply({ strategy });
    await this.until('the new spec to be seen', ({ observed }) => observed.spec === written);
  }

  /** The etcd revision of the request. */
  async ask(version: string): Promise<number> {
    return await this.slipway.put(this.slipway.keys.version(this.name), version);
  }

  /** Spec and version, to the end. */
  async stand(version: string): Promise<StatusDocument> {
    await this.apply();
    return await this.succeed(version);
  }

  async succeed(version: string): Promise<StatusDocument> {
    const finished = await this.finish(await this.ask(version));
    if (finished.outcome !== 'succeeded') {
      throw new Error(
        `${this.name} ${version}: ${finished.outcome} (${finished.reason}): ${finished.message}`,
      );
    }
    return await this.until('rest', (status) => status.rollout === null);
  }

  /** What became of the request that was written at this etcd revision. */
  async finish(requested: number): Promise<FinishedDocument> {
    return await waitFor(
      `the end of ${this.name}'s request ${requested}`,
      async () => (await this.history()).find((each) => each.requested === requested),
      PATIENT,
    );
  }

  async release(version: string): Promise<CliResult> {
    return await this.slipway.cli('release', this.name, version, '--wait', '--timeout', '150s');
  }

  /** The status that answers it. */
  async command(word: CommandWord | `rollback ${number}`): Promise<StatusDocument> {
    const written = await this.slipway.put(this.slipway.keys.command(this.name), word);
    return await this.until(`${word} to be taken`, ({ observed }) => observed.command === written);
  }

  async until(what: string, holds: (status: StatusDocument) => boolean): Promise<StatusDocument> {
    let last: StatusDocument | null = null;
    try {
      return await waitFor(
        `${this.name}: ${what}`,
        async () => {
          last = await this.slipway.status(this.name);
          return last !== null && holds(last) ? last : null;
        },
        PATIENT,
      );
    } catch (error) {
      const status = JSON.stringify(last, null, 1);
      throw new Error(`${String(error)}\n${status}\n${this.slipway.log().slice(-3000)}`, { cause: error });
    }
  }

  async history(): Promise<readonly FinishedDocument[]> {
    const { entries } = await this.slipway.store.list(this.slipway.keys.histories(this.name));
    return entries.flatMap(({ value }) => parseFinished(value) ?? []);
  }

  async quarantined(): Promise<readonly string[]> {
    const prefix = this.slipway.keys.quarantines(this.name);
    const { entries } = await this.slipway.store.list(prefix);
    return entries.map(({ key }) => key.slice(prefix.length));
  }

  async containers(): Promise<readonly FoundContainer[]> {
    const all = await listContainers(this.slipway.prefix, this.slipway.docker);
    return all.filter(({ service }) => service === this.name);
  }

  /** Deletes the spec and waits until nothing of the service is left. */
  async retire(): Promise<void> {
    await this.slipway.remove(this.slipway.keys.spec(this.name));
    const isGone = async () =>
      (await this.containers()).length === 0 && (await this.slipway.status(this.name)) === null;
    await waitFor(`${this.name} to be gone`, isGone, PATIENT);
  }
}
