// Blue-green: the candidate comes up in full beside the stable revision, can be previewed, and takes all traffic in one
// swap of the table. The old replicas stay through the bake, and warm for `keep_old` after it.
import { type Course, type Goal, goalOf } from './course.ts';
import type { Rollout } from './model.ts';
import { isServed } from './route.ts';
import { findGuarded, keepServing } from './standing.ts';
import { availableOf, countPresent, type World } from './world.ts';

export function planBlueGreen(world: World, rollout: Rollout): Course {
  const { revision } = rollout;
  const isUp = availableOf(world, revision).length >= world.spec.replicas;
  if (rollout.promoted || !rollout.gated) {
    const goal = standBoth(world, revision, world.spec.replicas, { [revision]: 100 });
    return { goal, advanced: null, isComplete: isUp && isServed(world, goal), hold: null };
  }
  const { stable } = world.memory;
  const split: Goal['split'] = stable === null ? {} : { [stable]: 100 };
  const wanted = rollout.paused === null ? world.spec.replicas : countPresent(world, revision);
  const goal = {
    ...standBoth(world, revision, wanted, split),
    preview: revision,
    guarded: findGuarded(world, revision, 0),
  };
  if (!isUp) return { goal, advanced: null, isComplete: false, hold: null };
  if (isAutomatic(world))
    return { goal, advanced: { ...rollout, promoted: true }, isComplete: false, hold: null };
  return { goal, advanced: null, isComplete: false, hold: WAITING };
}

const WAITING = {
  reason: 'waiting-for-promotion',
  message: 'The candidate is up in full; waiting for promote.',
  next: { what: 'promote', at: null },
  isPlanned: true,
} as const;

function standBoth(world: World, candidate: number, wanted: number, split: Goal['split']): Goal {
  return goalOf({ ...keepServing(world, candidate), [candidate]: wanted }, split, 2 * world.spec.replicas);
}

function isAutomatic(world: World): boolean {
  return world.spec.strategy.type === 'blue-green' && world.spec.strategy.promotion === 'auto';
}
