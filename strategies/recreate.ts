// Recreate: everything old is drained and stopped, then everything new is started. Requests park in between, so none
// is lost; the two versions never run at the same time.
import { type Course, type Goal, goalOf } from './course.ts';
import type { Rollout } from './model.ts';
import { isServed } from './route.ts';
import { availableOf, type World } from './world.ts';

export function planRecreate(world: World, rollout: Rollout): Course {
  const { replicas } = world.spec;
  const goal = planAlone(world, rollout.revision);
  const isReady = availableOf(world, rollout.revision).length >= replicas;
  return { goal, advanced: null, isComplete: isReady && isServed(world, goal), hold: null };
}

/** One revision, and nothing of it before everything else is gone; never more containers than replicas. */
export function planAlone({ spec }: World, revision: number): Goal {
  const goal = goalOf({ [revision]: spec.replicas }, { [revision]: 100 }, spec.replicas);
  return { ...goal, isExclusive: true };
}

/** Once anything old has begun to leave there is no way to hold without an outage, so a pause waits. */
export function canHoldRecreate(world: World, rollout: Rollout): boolean {
  const others = world.members.filter((m) => m.replica.revision !== rollout.revision);
  return others.length > 0 && others.every((m) => m.class === 'ready' || m.class === 'starting');
}
