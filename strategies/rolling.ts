// Rolling: replicas are exchanged a few at a time within a budget of surge and unavailable ones. Traffic follows the
// available replicas. The rules are those of Kubernetes' rolling.go: grow within the surge, shrink what is unready
// first, then as far as availability allows.
import type { Budget } from './budget.ts';
import { computeBudget } from './budget.ts';
import { type Course, type Goal, goalOf } from './course.ts';
import type { Rollout } from './model.ts';
import { isServed } from './route.ts';
import { computeProportional } from './weights.ts';
import { aliveOf, availableOf, readyOf, revisionsPresent, type World } from './world.ts';

export function planRolling(world: World, rollout: Rollout): Course {
  const { spec } = world;
  const settings = spec.strategy;
  if (settings.type !== 'rolling')
    throw new TypeError('planRolling needs the settings of a rolling strategy');
  const budget = computeBudget(spec.replicas, settings.surge, settings.unavailable);
  const nextBatchAt = rollout.gated ? computeNextBatch(world, rollout.revision, settings.delayMs) : null;
  const goal = planExchange(
    world,
    rollout.revision,
    budget,
    nextBatchAt === null || world.now >= nextBatchAt,
  );
  const course = completeExchange(world, rollout.revision, goal);
  if (nextBatchAt === null || world.now >= nextBatchAt || course.isComplete) return course;
  const next = { what: 'next batch', at: nextBatchAt };
  return { ...course, hold: { reason: 'delay', message: 'Waiting between batches.', next, isPlanned: true } };
}

/** Done when the incoming revision is available in full and alone in the table. */
export function completeExchange(world: World, incoming: number, goal: Goal): Course {
  const isFull = availableOf(world, incoming).length >= world.spec.replicas;
  const isComplete = isFull && (goal.split[incoming] ?? 0) === 100 && isServed(world, goal);
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
  const room = replicas + budget.surge - countExisting(world);
  const growth = mayStart ? Math.max(0, Math.min(replicas - alive, room)) : 0;
  const wanted = { ...outgoing, [incoming]: Math.min(replicas, alive + growth) };
  const needed = countAvailable(world, wanted, incoming);
  return { ...goalOf(wanted, computeProportional(needed)), needed };
}

// All that stands, draining and stopping ones included: the engine carries them.
function countExisting(world: World): number {
  return world.members.filter((m) => m.replica.state !== 'exited' && m.replica.state !== 'dead').length;
}

function shrinkOthers(
  world: World,
  others: readonly number[],
  incoming: number,
  budget: Budget,
): Record<number, number> {
  const { replicas } = world.spec;
  const ready = others.reduce((total, revision) => total + readyOf(world, revision).length, 0);
  const spare = availableOf(world, incoming).length + ready - (replicas - budget.unavailable);
  let mayLeave = Math.max(0, spare);
  const wanted: Record<number, number> = {};
  for (const revision of orderOthers(others, world.memory.stable)) {
    const count = readyOf(world, revision).length;
    const leave = Math.min(count, mayLeave);
    mayLeave -= leave;
    wanted[revision] = count - leave;
  }
  return wanted;
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

function computeNextBatch(world: World, incoming: number, delayMs: number): number | null {
  if (delayMs === 0) return null;
  const alive = aliveOf(world, incoming);
  if (alive.length === 0 || alive.length >= world.spec.replicas) return null;
  const since = alive.map((m) =>
    m.available ? (m.replica.probe.readySince ?? 0) : Number.POSITIVE_INFINITY,
  );
  return Math.max(...since) + world.spec.strategy.minReadyMs + delayMs;
}
