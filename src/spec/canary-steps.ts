// The steps of a canary: weights that rise, and pauses between them.
import * as z from 'zod';
import type { CanaryStep } from '../../strategies/spec.ts';
import { addIssue, always, amount, DAY, duration, integer, section } from './fields.ts';

const pause = z.union([z.literal('manual'), duration(1, 365 * DAY)], {
  error: 'a duration such as 10m or 1h, or `manual`',
});

const stepFields = section({
  weight: integer(1, 100).optional(),
  replicas: amount.optional(),
  pause: pause.optional(),
});

const step = stepFields
  .superRefine((raw, context) => {
    if ('weight' in raw === 'pause' in raw) {
      addIssue(
        context,
        [],
        'weight' in raw ? 'weight and pause' : 'neither weight nor pause',
        'one of them per step',
      );
    }
    if ('pause' in raw && 'replicas' in raw) addIssue(context, ['replicas'], undefined, '`weight` beside it');
    if (isNothing(raw.replicas)) addIssue(context, ['replicas'], undefined, 'at least one replica');
  }, always)
  .transform((raw): CanaryStep => {
    if (raw.weight !== undefined)
      return { kind: 'weight', weight: raw.weight, replicas: raw.replicas ?? null };
    return typeof raw.pause === 'number'
      ? { kind: 'pause', durationMs: raw.pause }
      : { kind: 'pause-manual' };
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
      if (each.weight < highest)
        addIssue(context, [index, 'weight'], undefined, `at least ${highest}, as before`);
      highest = Math.max(highest, each.weight);
    }
    if (highest === 0 && list.length > 0 && list.every(isStep))
      addIssue(context, [], 'no weight', 'at least one step with a weight');
  }, always);

/** With problems inside, the list holds what was written. */
function isStep(step: unknown): step is CanaryStep {
  return typeof step === 'object' && step !== null && 'kind' in step;
}

function isNothing(replicas: unknown): boolean {
  if (typeof replicas !== 'object' || replicas === null) return false;
  return ('count' in replicas && replicas.count === 0) || ('percent' in replicas && replicas.percent === 0);
}
