// The demo's four services, one for each strategy, and what is read of them while they run: the status that the
// controller writes, and the share of each version in the answers of the last second.
import { stringify } from 'yaml';
import {
  type FinishedDocument,
  parseFinished,
  parseStatus,
  type StatusDocument,
} from '../src/cli/documents.ts';
import { buildKeys } from '../src/store/keys.ts';
import { PREFIX, REPOSITORY, type Stage } from './demo-stage.ts';
import { type Load, type LoadReport, NO_REQUESTS, startLoad } from './load.ts';

export const SERVICES = ['recreate', 'rolling', 'blue-green', 'canary'] as const;
export type ServiceName = (typeof SERVICES)[number];

const keys = buildKeys(PREFIX);
const PER_SECOND = 50;
/** Calls of `measureShares` that one share spans. */
const WINDOW = 3;

const OWN = {
  recreate: {},
  rolling: { delay: '1s' },
  'blue-green': { keep_old: '0s' },
  canary: { steps: [{ weight: 10 }, { pause: '4s' }, { weight: 50 }, { pause: '4s' }] },
} as const satisfies Record<ServiceName, object>;

/** The version key and nothing else is written to release; the spec is written once. */
export class DemoService {
  readonly name: ServiceName;
  readonly host: string;
  readonly #stage: Stage;
  #load: Load | null = null;
  #counts: readonly LoadReport['byVersion'][] = [];

  constructor(stage: Stage, name: ServiceName) {
    this.#stage = stage;
    this.name = name;
    this.host = `${name}.demo`;
  }

  async apply(): Promise<void> {
    await this.#put(keys.spec(this.name), stringify(this.#describe()));
  }

  /** The etcd revision of the request. */
  async release(version: string): Promise<number> {
    return await this.#put(keys.version(this.name), version);
  }

  startLoad(): void {
    this.#load = startLoad({ port: this.#stage.httpPort, host: this.host, perSecond: PER_SECOND });
  }

  async stopLoad(): Promise<LoadReport> {
    const report = await this.#load?.stop();
    return report ?? NO_REQUESTS;
  }

  report(): LoadReport | null {
    return this.#load?.report() ?? null;
  }

  async status(): Promise<StatusDocument | null> {
    const entry = await this.#stage.store.get(keys.status(this.name));
    return entry === null ? null : parseStatus(entry.value);
  }

  async finished(requested: number): Promise<FinishedDocument | null> {
    const { entries } = await this.#stage.store.list(keys.histories(this.name));
    const all = entries.flatMap(({ value }) => parseFinished(value) ?? []);
    return all.find((each) => each.requested === requested) ?? null;
  }

  /** Percent of each version among the answers of the last two calls' time; none while all requests wait. */
  measureShares(): Readonly<Record<string, number>> {
    const now = this.report()?.byVersion ?? {};
    const [before = {}] = this.#counts;
    this.#counts = [...this.#counts, now].slice(-WINDOW);
    const news = Object.entries(now).map(([v, count]) => [v, count - (before[v] ?? 0)] as const);
    const total = news.reduce((sum, [, count]) => sum + count, 0);
    const shares = news.map(([version, count]) => [version, (100 * count) / total] as const);
    return Object.fromEntries(shares.filter(([, share]) => share > 0));
  }

  #describe(): object {
    const common = { min_ready: '500ms', monitor: '12s', progress_deadline: '90s' };
    return {
      image: REPOSITORY,
      pull: 'never',
      replicas: 3,
      port: 8080,
      routes: [{ host: this.host }],
      healthcheck: {
        ...{ http: '/health', interval: '500ms', start_interval: '100ms' },
        ...{ timeout: '10s', retries: 6, start_period: '1m' },
      },
      strategy: { type: this.name, ...common, ...OWN[this.name] },
      proxy: { timeout: '2m', park: { timeout: '3m', max_requests: 10000 } },
    };
  }

  async #put(key: string, value: string): Promise<number> {
    const commit = await this.#stage.store.commit({ guards: [], puts: [{ key, value }], deletes: [] });
    if (!commit.ok) throw new Error(`${key} could not be written`);
    return commit.revision;
  }
}
