// What a person is told while manual weights rule: what they wait for, and why they cannot be had.
import type { Goal } from './course.ts';
import { countOf } from './describe.ts';
import { findUnresolved, nameManualImage } from './manual.ts';
import type { ManualSplit, Report } from './model.ts';
import { readyOf, type World } from './world.ts';

export type Saying = Pick<Report, 'phase' | 'reason' | 'message' | 'next'>;

export function sayManual(world: World, manual: ManualSplit, goal: Goal): Saying {
  const text = Object.entries(manual.requested).map(([v, w]) => `${v} ${w} %`);
  const unresolved = findUnresolved(world, manual);
  const missing = countMissing(world, goal);
  const wait =
    unresolved.length > 0 ? `the image of ${unresolved.join(' and ')}` : countOf(missing, 'replica');
  const waiting = unresolved.length + missing > 0 ? ` Waiting for ${wait}.` : '';
  const message = `Manual weights: ${text.join(', ')}; the strategy is suspended.${waiting}`;
  return { phase: 'idle', reason: 'manual-weights', message, next: null };
}

// It may yet be had; until then the split cannot be, and a person should know why.
export function findMissingImage(world: World, manual: ManualSplit): Saying | null {
  for (const version of findUnresolved(world, manual)) {
    const image = world.observed.images[nameManualImage(manual, version)];
    if (image?.kind !== 'failed') continue;
    const message = `weights: ${version} cannot run (${image.failure}: ${image.message}); it is tried again. The split before stays.`;
    return {
      phase: 'invalid',
      reason: 'invalid-weights',
      message,
      next: { what: 'pull', at: image.retryAt },
    };
  }
  return null;
}

function countMissing(world: World, goal: Goal): number {
  return Object.entries(goal.wanted).reduce(
    (total, [revision, wanted]) => total + Math.max(0, wanted - readyOf(world, Number(revision)).length),
    0,
  );
}
