// The rollouts that faults are put into: each strategy with a version that succeeds and with one that is turned back
// before it takes traffic. Everything is as quick as it can be without being another rollout.
import type { StrategyType } from '../../strategies/model.ts';
import { type ServiceOptions, STRATEGIES } from '../support/service.ts';
import { REPOSITORY, type Version } from '../support/versions.ts';

export interface Story {
  readonly strategy: StrategyType;
  readonly kind: 'good' | 'bad';
  readonly version: Version;
  readonly options: ServiceOptions;
  /** Replicas that may stand at once, and that must stay in the table. */
  readonly most: number;
  readonly least: number;
}

export const REPLICAS = 2;

const TUNING: Readonly<Record<StrategyType, Readonly<Record<string, unknown>>>> = {
  recreate: {},
  rolling: {},
  'blue-green': { keep_old: '0s' },
  canary: { steps: [{ weight: 50 }, { pause: '200ms' }] },
};

const MOST = { recreate: 2, rolling: 3, 'blue-green': 4, canary: 4 } as const;

export const STORIES: readonly Story[] = STRATEGIES.flatMap((strategy) => [
  tell(strategy, 'good', 'v2'),
  tell(strategy, 'bad', 'exits'),
]);

function tell(strategy: StrategyType, kind: Story['kind'], version: Version): Story {
  const spec = {
    replicas: REPLICAS,
    restart: 'no',
    healthcheck: {
      ...{ http: '/health', interval: '500ms', start_interval: '50ms' },
      ...{ rise: 1, timeout: '5s', retries: 10, start_period: '10s' },
    },
    stop_grace_period: '2s',
    drain_timeout: '2s',
  };
  const tuning = { min_ready: '0s', monitor: '300ms', progress_deadline: '150s', ...TUNING[strategy] };
  const options = { image: REPOSITORY, strategy, spec, tuning };
  return {
    strategy,
    kind,
    version,
    options,
    most: MOST[strategy],
    least: strategy === 'recreate' ? 0 : REPLICAS,
  };
}
