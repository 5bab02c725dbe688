// What stands beside what is wanted: the stable revision in full while a candidate is judged, and what already serves for
// as long as the stable revision cannot carry everything alone.
import { computeOwnBudget } from './budget.ts';
import { type Goal, goalOf } from './course.ts';
import { planAlone } from './recreate.ts';
import { planExchange } from './rolling.ts';
import { computeProportional } from './weights.ts';
import {
  aliveOf,
  availableOf,
  countPresent,
  readyOf,
  revisionsPresent,
  servingOf,
  type World,
} from './world.ts';

/**
 * Replicas that have to stand at least: of the stable revision all, and of the candidate and whatever else serves as
 * many as it lacks.
 *
 * Worked example, 3 replicas: stable 1 ready, candidate 3 serving → stable 3, candidate 2; stable 3 ready → candidate 0.
 */
export function keepServing(world: World, candidate: number): Record<number, number> {
  const { stable } = world.memory;
  const { replicas } = world.spec;
  const wanted: Record<number, number> = stable === null ? {} : { [stable]: replicas };
  const settled = stable === null ? availableOf(world, candidate) : readyOf(world, stable);
  const others = revisionsPresent(world).filter((r) => r !== candidate && r !== stable);
  let missing = replicas - settled.length;
  for (const revision of stable === null ? others : [candidate, ...others]) {
    const kept = Math.min(servingOf(world, revision).length, Math.max(0, missing));
    missing -= kept;
    wanted[revision] = kept;
  }
  return wanted;
}

/**
 * What is on trial never gets more than its weight, unless it carries more already and the stable revision cannot take
 * all of it back yet.
 */
export function findGuarded(world: World, revision: number, weight: number): number | null {
  const { memory, spec, observed } = world;
  const isShort = memory.stable !== null && readyOf(world, memory.stable).length < spec.replicas;
  return isShort && (observed.route?.value.split[revision] ?? 0) > weight ? null : revision;
}

/** Outside rollouts: the stable revision alone, and a warm one beside it. */
export function planSteady(world: World): Goal {
  const { memory, spec } = world;
  const { stable, rollout } = memory;
  if (stable === null) return rollout === null ? goalOf({}, {}) : planUnsettled(world);
  if (spec.strategy.type === 'recreate') {
    return isCutShort(world, stable) ? planUnsettled(world) : keepWarm(world, planAlone(world, stable));
  }
  return keepWarm(world, planExchange(world, stable, computeOwnBudget(spec), true));
}

// Without a weight it takes no traffic while the stable revision has anything ready.
function keepWarm(world: World, goal: Goal): Goal {
  const { warm, stable } = world.memory;
  const { replicas } = world.spec;
  if (warm === null || world.now >= warm.until || warm.revision === stable) return goal;
  const kept = Math.min(replicas, aliveOf(world, warm.revision).length);
  const wanted = { ...goal.wanted, [warm.revision]: kept };
  return { ...goal, wanted, limit: Math.max(goal.limit, replicas + kept) };
}

/**
 * In a pause of an exchange: nothing more comes of the candidate and nothing goes, but what the candidate does not carry
 * the stable revision has to, also when a replica of it is lost meanwhile.
 *
 * Worked example, 3 replicas: stable 2, candidate 1 available → as it is; the candidate's is lost → stable 3.
 */
export function standStill(world: World, candidate: number): Goal {
  const { spec, memory } = world;
  const { stable } = memory;
  const present = revisionsPresent(world);
  const wanted = Object.fromEntries(present.map((r) => [r, aliveOf(world, r).length] as const));
  wanted[candidate] = countPresent(world, candidate);
  const missing = spec.replicas - availableOf(world, candidate).length;
  if (stable !== null) wanted[stable] = Math.max(wanted[stable] ?? 0, missing);
  const ready = Object.fromEntries(present.map((r) => [r, availableOf(world, r).length] as const));
  const limit = spec.replicas + computeOwnBudget(spec).surge;
  return { ...goalOf(wanted, computeProportional(ready), limit), needed: ready };
}

// A superseded rollout had replaced the stable revision already: what it left serving is not stopped for one that
// has to go again as soon as the image is known.
function isCutShort(world: World, stable: number): boolean {
  if (world.memory.rollout?.stage !== 'resolving' || readyOf(world, stable).length > 0) return false;
  return revisionsPresent(world).some((revision) => servingOf(world, revision).length > 0);
}

// What a superseded rollout left serving goes on until something better is ready.
function planUnsettled(world: World): Goal {
  const present = revisionsPresent(world);
  const ready = Object.fromEntries(present.map((r) => [r, readyOf(world, r).length] as const));
  return { ...goalOf(ready, computeProportional(ready)), needed: ready };
}
