// The strategy: what all have in common, what belongs to one, and the two ways to say how many replicas at a time.
import type * as z from 'zod';
import { formatDuration } from '../../strategies/describe.ts';
import type {
  Amount,
  RollingSettings,
  StrategyCommon,
  StrategySpec,
  StrategyType,
} from '../../strategies/spec.ts';
import { steps } from './canary-steps.ts';
import { addIssue, always, amount, duration, field, integer, refused, section, word } from './fields.ts';
import { preview } from './routes.ts';

const TYPES = ['recreate', 'rolling', 'blue-green', 'canary'] as const;

/** Fields that belong to one strategy, and are refused under another. */
const OWN: Readonly<Record<string, StrategyType>> = {
  parallelism: 'rolling',
  order: 'rolling',
  max_surge: 'rolling',
  max_unavailable: 'rolling',
  delay: 'rolling',
  promotion: 'blue-green',
  preview: 'blue-green',
  keep_old: 'blue-green',
  steps: 'canary',
};

const MIN_READY_MS = 5000;

const fields = section({
  type: word(...TYPES).default('rolling'),
  min_ready: duration().default(MIN_READY_MS),
  progress_deadline: duration(1000).default(600_000),
  monitor: duration().default(30_000),
  failure_action: word('rollback', 'pause').default('rollback'),
  max_failure_ratio: field<number>('a number from 0 to 1', (raw) =>
    typeof raw === 'number' && raw >= 0 && raw <= 1 ? raw : refused,
  ).default(0),
  parallelism: integer(1, 1000).optional(),
  order: word('start-first', 'stop-first').optional(),
  max_surge: amount.optional(),
  max_unavailable: amount.optional(),
  delay: duration().optional(),
  promotion: word('auto', 'manual').optional(),
  preview: preview.optional(),
  keep_old: duration().optional(),
  steps: steps.optional(),
});

type Fields = z.output<typeof fields>;

export const strategy = fields
  .superRefine((raw, context) => {
    for (const [name, type] of Object.entries(OWN)) {
      if (name in raw && TYPES.includes(raw.type) && raw.type !== type) {
        addIssue(context, [name], `${name} under type ${raw.type}`, `it only under type ${type}`);
      }
    }
    if (raw.type === 'canary' && !('steps' in raw))
      addIssue(context, ['steps'], 'nothing', 'at least one step');
    checkBudget(raw, context);
    checkTimes(raw, context);
  }, always)
  .transform(buildStrategy);

type Context = Parameters<typeof addIssue>[0];

function checkBudget(raw: Fields, context: Context): void {
  const ours = ['max_surge', 'max_unavailable'].filter((name) => name in raw);
  const composes = ['parallelism', 'order'].filter((name) => name in raw);
  if (ours.length > 0 && composes.length > 0) {
    const expected = 'either parallelism and order, or max_surge and max_unavailable';
    addIssue(context, [], [...composes, ...ours].join(' and '), expected);
  }
  if (ours.length === 2 && isZero(raw.max_surge) && isZero(raw.max_unavailable)) {
    addIssue(
      context,
      [],
      'max_surge 0 and max_unavailable 0',
      'one of them above zero, or nothing could ever move',
    );
  }
}

// Nothing counts as progress before it has been ready for `min_ready`. Said of the one that is not the default.
function checkTimes({ min_ready: least, progress_deadline: most }: Fields, context: Context): void {
  if (typeof least !== 'number' || typeof most !== 'number' || least < most) return;
  const [ready, deadline] = [formatDuration(least), formatDuration(most)];
  if (least === MIN_READY_MS)
    addIssue(context, ['progress_deadline'], deadline, `more than min_ready, ${ready}`);
  else addIssue(context, ['min_ready'], ready, `less than progress_deadline, ${deadline}`);
}

function buildStrategy(raw: Fields): StrategySpec {
  const common: StrategyCommon = {
    minReadyMs: raw.min_ready,
    progressDeadlineMs: raw.progress_deadline,
    monitorMs: raw.monitor,
    failureAction: raw.failure_action,
    maxFailureRatio: raw.max_failure_ratio,
  };
  switch (raw.type) {
    case 'recreate':
      return { ...common, type: raw.type };
    case 'rolling':
      return { ...common, type: raw.type, ...computeBudget(raw), delayMs: raw.delay ?? 0 };
    case 'blue-green': {
      const settings = { promotion: raw.promotion ?? 'auto', preview: raw.preview ?? null } as const;
      return { ...common, type: raw.type, ...settings, keepOldMs: raw.keep_old ?? 300_000 };
    }
    case 'canary':
      return { ...common, type: raw.type, steps: raw.steps ?? [] };
  }
}

/**
 * start-first with parallelism 2 → surge 2, unavailable 0; stop-first → surge 0, unavailable 2. Of max_surge and
 * max_unavailable, one left out is 0, or 1 where both would be 0: `max_unavailable: 0` alone → surge 1.
 */
function computeBudget(raw: Fields): Pick<RollingSettings, 'surge' | 'unavailable'> {
  const none: Amount = { count: 0 };
  const one: Amount = { count: 1 };
  const { max_surge: surge, max_unavailable: unavailable } = raw;
  if (surge === undefined && unavailable === undefined) {
    const some = { count: raw.parallelism ?? 1 };
    return raw.order === 'stop-first'
      ? { surge: none, unavailable: some }
      : { surge: some, unavailable: none };
  }
  return {
    surge: surge ?? (isZero(unavailable) ? one : none),
    unavailable: unavailable ?? (isZero(surge) ? one : none),
  };
}

function isZero(value: Amount | undefined): boolean {
  if (value === undefined) return false;
  return ('count' in value ? value.count : value.percent) === 0;
}

export const rollback = section({
  parallelism: integer(0, 1000).default(0),
  order: word('start-first', 'stop-first').default('start-first'),
});
