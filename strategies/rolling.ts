// Rolling: replicas are exchanged a few at a time within a budget of surge and unavailable ones. Traffic follows the
// available replicas. The rules are those of Kubernetes' rolling.go: grow within the surge, shrink what is unready
// first, then as far as availability allows.
import type { Budget } from './budget.ts';
import { computeBudget } from './budget.ts';
import { type Course, type Goal, goalOf } from './course.ts';
import type { Rollout } from './model.ts';
import { isServed } from './route.ts';
import { computeProportional } from './weights.ts';
import { aliveOf, availableOf, readyOf, revisionsPresent, servingOf, type World } from './world.ts';

export function planRolling(world: World, rollout: Rollout): Course {
  const { spec } = world;
  const settings = spec.strategy;
  if (settings.type !== 'rolling')
    throw new TypeError('planRolling needs the settings of a rolling strategy');
  const budget = computeBudget(spec.replicas, settings.surge, settings.unavailable);
  const batch = findBatch(world, rollout, settings.delayMs);
  const nextBatchAt = batch === null ? null : batch.nextAt;
  const mayStart = nextBatchAt !== null && world.now >= nextBatchAt;
  const goal = planExchange(world, rollout.revision, budget, mayStart);
  const course = completeExchange(world, rollout.revision, goal);
  if (mayStart || nextBatchAt === null || course.isComplete) return course;
  if (batch !== rollout.batch) return { ...course, advanced: { ...rollout, batch } };
  const next = { what: 'next batch', at: nextBatchAt };
  return { ...course, hold: { reason: 'delay', message: 'Waiting between batches.', next, isPlanned: true } };
}

/** Done when the incoming revision is available in full and alone in the table. */
export function completeExchange(world: World, incoming: number, goal: Goal): Course {
  const { replicas } = world.spec;
  const isFull = availableOf(world, incoming).length >= replicas;
  const isComplete = isFull && goal.split[incoming] === 100 && isServed(world, goal);
  return { goal, advanced: null, isComplete, hold: null };
}

/**
 * One notch of an exchange of every other revision for `incoming`.
 *
 * Worked example, 3 replicas, surge 1, unavailable 0: 3 old → start 1 (total 4) → available → 2 old wanted → when the
 * third has gone (total 3) start the next. Surge 0, unavailable 1: 2 old wanted → gone (total 2) → start 1, and so on.
 */
export function planExchange(world: World, incoming: number, budget: Budget, mayStart: boolean): Goal {
  const { replicas } = world.spec;
  const others = revisionsPresent(world).filter((revision) => revision !== incoming);
  const alive = aliveOf(world, incoming).length;
  const outgoing = shrinkOthers(world, others, incoming, budget);
  const wanted = { ...outgoing, [incoming]: mayStart ? replicas : Math.min(replicas, alive) };
  const needed = countAvailable(world, wanted, incoming);
  const isAlone = others.every((revision) => (needed[revision] ?? 0) === 0);
  const split = isAlone ? { [incoming]: 100 } : computeProportional(needed);
  return { ...goalOf(wanted, split, replicas + budget.surge), needed };
}

function shrinkOthers(
  world: World,
  others: readonly number[],
  incoming: number,
  budget: Budget,
): Record<number, number> {
  const { replicas } = world.spec;
  const counts = new Map(others.map((revision) => [revision, countGiving(world, revision)] as const));
  const ready = [...counts.values()].reduce((total, count) => total + count, 0);
  const spare = availableOf(world, incoming).length + ready - (replicas - budget.unavailable);
  let mayLeave = Math.max(0, spare);
  const wanted: Record<number, number> = {};
  for (const revision of orderOthers(others, world.memory.stable)) {
    const count = counts.get(revision) ?? 0;
    const leave = Math.min(count, mayLeave);
    mayLeave -= leave;
    wanted[revision] = count - leave;
  }
  return wanted;
}

// What is not stable counts where it serves: a candidate that had no traffic yet gets none on the way back.
function countGiving(world: World, revision: number): number {
  return (revision === world.memory.stable ? readyOf : servingOf)(world, revision).length;
}

// What a superseded rollout left behind goes before the stable revision does.
function orderOthers(others: readonly number[], stable: number | null): readonly number[] {
  return [...others].sort((a, b) => Number(a === stable) - Number(b === stable) || a - b);
}

function countAvailable(world: World, wanted: Goal['wanted'], incoming: number): Goal['needed'] {
  const counts = Object.keys(wanted)
    .map(Number)
    .map((revision) => {
      const able = revision === incoming ? availableOf(world, revision) : readyOf(world, revision);
      return [revision, Math.min(able.length, wanted[revision] ?? 0)] as const;
    });
  return Object.fromEntries(counts);
}

const AT_ONCE: Rollout['batch'] = { replicas: 0, nextAt: 0 };

/**
 * When the next batch may start; null while the present one is not available, which is no wait that was planned. What is
 * remembered of the present batch holds: a controller that has just come does not know since when it is ready.
 */
function findBatch(world: World, { revision, gated, batch }: Rollout, delayMs: number): Rollout['batch'] {
  if (delayMs === 0 || !gated) return AT_ONCE;
  const alive = aliveOf(world, revision);
  if (alive.length === 0 || alive.length >= world.spec.replicas) return AT_ONCE;
  if (alive.some((m) => !m.available)) return null;
  if (batch?.replicas === alive.length) return batch;
  const since = Math.max(...alive.map((m) => m.replica.probe.readySince ?? 0));
  return { replicas: alive.length, nextAt: since + world.spec.strategy.minReadyMs + delayMs };
}
