// Recreate: everything old is drained and stopped, then everything new is started. Requests park in between, so none
// is lost; the two versions never run at the same time.
import { type Course, goalOf } from './course.ts';
import type { Rollout } from './model.ts';
import { isServed } from './route.ts';
import { availableOf, type World } from './world.ts';

export function planRecreate(world: World, rollout: Rollout): Course {
  const { replicas } = world.spec;
  const goal = {
    ...goalOf({ [rollout.revision]: replicas }, { [rollout.revision]: 100 }),
    isExclusive: true,
  };
  const isReady = availableOf(world, rollout.revision).length >= replicas;
  return { goal, advanced: null, isComplete: isReady && isServed(world, goal), hold: null };
}

/** Once anything old has begun to leave there is no way to hold without an outage, so a pause waits. */
export function canHoldRecreate(world: World, rollout: Rollout): boolean {
  const others = world.members.filter((m) => m.replica.revision !== rollout.revision);
  return others.length > 0 && others.every((m) => m.class === 'ready' || m.class === 'starting');
}
