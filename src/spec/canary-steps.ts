// The steps of a canary: weights that rise, what goes to the candidate besides, and pauses between them.
import * as z from 'zod';
import type { CanaryStep } from '../../strategies/spec.ts';
import { addIssue, always, amount, DAY, duration, integer, section } from './fields.ts';
import { match } from './routes.ts';

const pause = z.union([z.literal('manual'), duration(1, 365 * DAY)], {
  error: 'a duration such as 10m or 1h, or `manual`',
});

const stepFields = section({
  weight: integer(1, 100).optional(),
  replicas: amount.optional(),
  match: match.optional(),
  mirror: integer(0, 100).optional(),
  pause: pause.optional(),
});

/** Where no weight is written: the one before it. */
const SAME = -1;
const MOVES = ['weight', 'match', 'mirror'] as const;

const step = stepFields
  .superRefine((raw, context) => {
    const moves = MOVES.filter((name) => name in raw);
    if (moves.length === 0 && !('pause' in raw))
      addIssue(context, [], 'neither weight nor pause', 'one of them per step, or a match or mirror');
    if (moves.length > 0 && 'pause' in raw)
      addIssue(context, [], `${moves.join(' and ')} and pause`, 'one of them per step');
    if ('pause' in raw && 'replicas' in raw) addIssue(context, ['replicas'], undefined, '`weight` beside it');
    if (isNothing(raw.replicas)) addIssue(context, ['replicas'], undefined, 'at least one replica');
  }, always)
  .transform((raw): CanaryStep => {
    if (typeof raw.pause === 'number') return { kind: 'pause', durationMs: raw.pause };
    if (raw.pause !== undefined) return { kind: 'pause-manual' };
    return {
      ...{ kind: 'weight', weight: raw.weight ?? SAME, replicas: raw.replicas ?? null },
      ...(raw.match === undefined ? {} : { match: raw.match }),
      ...(raw.mirror === undefined ? {} : { mirror: raw.mirror }),
    };
  });

export const steps = z
  .array(step, { error: 'a list of steps' })
  .min(1, { error: 'at least one step' })
  .max(100, { error: 'at most 100 steps' })
  .superRefine((list, context) => {
    if (!Array.isArray(list)) return;
    let highest = 0;
    for (const [index, each] of list.entries()) {
      if (!isStep(each) || each.kind !== 'weight') continue;
      if (each.weight < highest && each.weight !== SAME)
        addIssue(context, [index, 'weight'], undefined, `at least ${highest}, as before`);
      highest = Math.max(highest, each.weight);
    }
    const isStill = list.every((each) => isStep(each) && each.kind !== 'weight');
    if (isStill && list.length > 0) addIssue(context, [], 'no weight', 'at least one step with a weight');
  }, always)
  .transform(fillWeights);

function fillWeights(list: readonly CanaryStep[]): readonly CanaryStep[] {
  let weight = 0;
  return list.map((each) => {
    if (each.kind !== 'weight') return each;
    weight = each.weight === SAME ? weight : each.weight;
    return { ...each, weight };
  });
}

/** With problems inside, the list holds what was written. */
function isStep(step: unknown): step is CanaryStep {
  return typeof step === 'object' && step !== null && 'kind' in step;
}

function isNothing(replicas: unknown): boolean {
  if (typeof replicas !== 'object' || replicas === null) return false;
  return ('count' in replicas && replicas.count === 0) || ('percent' in replicas && replicas.percent === 0);
}
