// What stays while a candidate is judged: the stable revision in full, and what a superseded rollout left behind for
// as long as the stable one cannot carry everything alone.
import { type Goal, goalOf } from './course.ts';
import { computeProportional } from './weights.ts';
import { aliveOf, readyOf, revisionsPresent, type World } from './world.ts';

/** Replicas wanted of every revision but `candidate`. */
export function keepOthers(world: World, candidate: number): Goal['wanted'] {
  const { memory, spec } = world;
  const { stable } = memory;
  const isCovered = stable !== null && readyOf(world, stable).length >= spec.replicas;
  const wanted: Record<number, number> = stable === null ? {} : { [stable]: spec.replicas };
  for (const revision of revisionsPresent(world)) {
    if (revision === candidate || revision === stable || isCovered) continue;
    const ready = readyOf(world, revision).length;
    if (ready > 0) wanted[revision] = ready;
  }
  return wanted;
}

/** Outside rollouts: the stable revision alone, and a warm one beside it. */
export function planSteady(world: World): Goal {
  const { memory, spec } = world;
  if (memory.stable === null && memory.rollout !== null) return planUnsettled(world);
  const wanted: Record<number, number> = {};
  const split: Record<number, number> = {};
  if (memory.stable !== null) {
    Object.assign(wanted, keepOthers(world, memory.stable));
    split[memory.stable] = 100;
  }
  const { warm } = memory;
  if (warm !== null && world.now < warm.until && warm.revision !== memory.stable) {
    wanted[warm.revision] = Math.min(spec.replicas, aliveOf(world, warm.revision).length);
  }
  return goalOf(wanted, split);
}

// Nothing is stable yet: what a superseded first release left serving goes on until something better is ready.
function planUnsettled(world: World): Goal {
  const present = revisionsPresent(world);
  const ready = Object.fromEntries(present.map((r) => [r, readyOf(world, r).length] as const));
  return { ...goalOf(ready, computeProportional(ready)), needed: ready };
}
