// The rollouts that faults are put into: each strategy with a version that succeeds, with one that is turned back before
// it takes traffic, and with one that is turned back from the bake. Everything is as quick as it can be without being
// another rollout.
import type { StrategyType } from '../../strategies/model.ts';
import { type ServiceOptions, STRATEGIES } from '../support/service.ts';
import { REPOSITORY, type Version } from '../support/versions.ts';

export type StoryKind = 'good' | 'bad' | 'sick';

export interface Story {
  readonly strategy: StrategyType;
  readonly kind: StoryKind;
  /** What is asked for; of a good one the one of both that does not serve yet. */
  readonly versions: readonly [Version, ...Version[]];
  readonly options: ServiceOptions;
  /** Replicas that may stand at once, and that must stay in the table. */
  readonly most: number;
  readonly least: number;
  /** The weights of the new version on its way up, none left out; null where any that rise will do. */
  readonly weights: readonly number[] | null;
}

export const REPLICAS = 2;
export const STORY_VERSIONS: readonly Version[] = ['v1', 'v2', 'exits', 'sickens'];

const TUNING: Readonly<Record<StrategyType, Readonly<Record<string, unknown>>>> = {
  recreate: {},
  rolling: {},
  'blue-green': { keep_old: '0s' },
  canary: { steps: [{ weight: 50 }, { pause: '200ms' }] },
};

const MOST = { recreate: 2, rolling: 3, 'blue-green': 4, canary: 4 } as const;
const WEIGHTS = { recreate: [0, 100], rolling: null, 'blue-green': [0, 100], canary: [0, 50, 100] } as const;

/** A bake that lasts until `sickens` is sick and found out. */
const LONG_BAKE = { monitor: '20s' };

export const STORIES: readonly Story[] = STRATEGIES.flatMap((strategy) => [
  tell(strategy, 'good', ['v1', 'v2'], { monitor: '300ms' }),
  tell(strategy, 'bad', ['exits'], { monitor: '300ms' }),
  tell(strategy, 'sick', ['sickens'], LONG_BAKE),
]);

export function findStory(strategy: StrategyType, kind: StoryKind): Story {
  const found = STORIES.find((story) => story.strategy === strategy && story.kind === kind);
  if (found === undefined) throw new Error(`no story of ${strategy} ${kind}`);
  return found;
}

function tell(
  strategy: StrategyType,
  kind: StoryKind,
  versions: Story['versions'],
  bake: Readonly<Record<string, unknown>>,
): Story {
  const spec = {
    replicas: REPLICAS,
    restart: 'no',
    healthcheck: {
      ...{ http: '/health', interval: '500ms', start_interval: '50ms' },
      ...{ rise: 1, timeout: '5s', retries: kind === 'sick' ? 2 : 10, start_period: '10s' },
    },
    stop_grace_period: '2s',
    drain_timeout: '2s',
  };
  const tuning = { min_ready: '0s', progress_deadline: '150s', ...bake, ...TUNING[strategy] };
  const options = { image: REPOSITORY, strategy, spec, tuning };
  return {
    strategy,
    kind,
    versions,
    options,
    // Whatever of the old has gone when it is found out is started again, all at once, beside what is sick.
    most: kind === 'sick' ? 2 * REPLICAS : MOST[strategy],
    // A replica that is sick leaves the table, and at that moment it may be all that serves: requests are parked.
    least: strategy === 'recreate' || kind === 'sick' ? 0 : REPLICAS,
    weights: WEIGHTS[strategy],
  };
}
