// The way back: the stable revision takes everything again, by the budget of `rollback`, without steps or analysis.
// INVARIANT: no verdict is made here. A return ends when the stable revision serves alone, or at its deadline.
import type { Notch } from './advance.ts';
import { computeRollbackBudget } from './budget.ts';
import { type Goal, goalOf } from './course.ts';
import type { Rollout, Verdict } from './model.ts';
import { isOverdue, measureProgress, reprieve } from './progress.ts';
import { planAlone } from './recreate.ts';
import { planExchange } from './rolling.ts';
import { endReturn, stay } from './rollout.ts';
import { isGone, isServed } from './route.ts';
import { readyOf, type World } from './world.ts';

const UNSAID: Verdict = { outcome: 'rolled-back', reason: null, message: 'Returned.', evidence: [] };

export function planReturning(world: World, rollout: Rollout): Notch {
  const goal = planGoal(world);
  const verdict = rollout.verdict ?? UNSAID;
  if (hasReturned(world, rollout, goal))
    return { move: endReturn(world, rollout, verdict), goal, hold: null };
  const progress = measureProgress(world, rollout);
  if (progress > rollout.progress) {
    const deadline = world.now + world.spec.strategy.progressDeadlineMs;
    const moved = { ...rollout, progress, deadline };
    return { move: stay({ ...world.memory, rollout: moved }), goal, hold: null };
  }
  if (isOverdue(world, rollout)) return { move: giveUp(world, rollout, verdict), goal, hold: null };
  const message = `Going back: ${verdict.message}`;
  return {
    move: reprieve(world, rollout),
    goal,
    hold: { reason: 'returning', message, next: null, isPlanned: false },
  };
}

function planGoal(world: World): Goal {
  const { stable } = world.memory;
  const { replicas, rollback, strategy } = world.spec;
  if (stable === null) return goalOf({}, {});
  if (strategy.type === 'recreate') return planAlone(world, stable);
  return planExchange(
    world,
    stable,
    computeRollbackBudget(replicas, rollback.parallelism, rollback.order),
    true,
  );
}

// A stable revision that was broken before the rollout began is not waited for.
function hasReturned(world: World, rollout: Rollout, goal: Goal): boolean {
  const { stable } = world.memory;
  if (stable === null) return isGone(world, rollout.revision);
  const isBroken = !rollout.gated && readyOf(world, stable).length < world.spec.replicas;
  if (isBroken) return rollout.revision !== stable && isGone(world, rollout.revision);
  const isFull = readyOf(world, stable).length >= world.spec.replicas;
  return isFull && (goal.split[stable] ?? 0) === 100 && isServed(world, goal);
}

function giveUp(world: World, rollout: Rollout, verdict: Verdict) {
  if (world.memory.stable === null) {
    const unfinished = `${verdict.message} Not all of it was gone before the deadline; the rest goes when it can.`;
    return endReturn(world, rollout, { ...verdict, message: unfinished });
  }
  const isBack = readyOf(world, world.memory.stable).length >= world.spec.replicas;
  if (isBack && verdict.outcome !== 'succeeded') {
    const unconfirmed = `${verdict.message} Not every proxy has confirmed it.`;
    return endReturn(world, rollout, { ...verdict, message: unconfirmed });
  }
  const message = `${verdict.message} The stable revision did not become ready again before the deadline.`;
  return endReturn(world, rollout, { ...verdict, outcome: 'failed', message });
}
