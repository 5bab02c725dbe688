// One rollout, one notch: resolve → advance → monitor → done, or return. Says what should stand now and, when the notch
// may be made, the memory after it. Choosing between the strategies is the one switch here.
import { planBlueGreen } from './blue-green.ts';
import { computeRollbackBudget } from './budget.ts';
import { planCanary } from './canary.ts';
import { type Course, type Goal, goalOf, type Hold, type Strategy } from './course.ts';
import { type Failure, findFailure, isTolerated, judgeDeadline } from './failure.ts';
import type { Rollout, StrategyType } from './model.ts';
import { measureProgress } from './progress.ts';
import { canHoldRecreate, planRecreate } from './recreate.ts';
import { planResolving } from './resolving.ts';
import { planReturning } from './returning.ts';
import { completeExchange, planExchange, planRolling } from './rolling.ts';
import { type Move, pauseRollout, startReturning, stay, succeedRollout } from './rollout.ts';
import { computeProportional } from './weights.ts';
import { aliveOf, readyOf, revisionsPresent, type World } from './world.ts';

/** `move` is null while the rollout stays where it is; then `goal` and `hold` say what stands and why. */
export interface Notch {
  readonly move: Move | null;
  readonly goal: Goal;
  readonly hold: Hold | null;
}

export function advanceRollout(world: World, rollout: Rollout): Notch {
  switch (rollout.stage) {
    case 'resolving':
      return planResolving(world, rollout);
    case 'returning':
      return planReturning(world, rollout);
    case 'advancing':
    case 'monitoring':
      return judge(world, rollout);
  }
}

function planCourse(world: World, rollout: Rollout): Course {
  if (rollout.kind === 'rollback') return planGoingBack(world, rollout);
  return strategyOf(world.spec.strategy.type)(world, rollout);
}

function strategyOf(type: StrategyType): Strategy {
  switch (type) {
    case 'recreate':
      return planRecreate;
    case 'rolling':
      return planRolling;
    case 'blue-green':
      return planBlueGreen;
    case 'canary':
      return planCanary;
  }
}

/** To an earlier revision by the operator's word: no steps and no gates, by the budget of `rollback`. */
function planGoingBack(world: World, rollout: Rollout): Course {
  if (world.spec.strategy.type === 'recreate') return planRecreate(world, rollout);
  const { replicas, rollback } = world.spec;
  const budget = computeRollbackBudget(replicas, rollback.parallelism, rollback.order);
  return completeExchange(world, rollout.revision, planExchange(world, rollout.revision, budget, true));
}

function judge(world: World, rollout: Rollout): Notch {
  const course = planCourse(world, rollout);
  const failure = findFailure(world, rollout);
  if (failure !== null) {
    const move = answerFailure(world, rollout, failure);
    if (move !== null) return { move, goal: course.goal, hold: null };
  }
  if (rollout.paused !== null) return holdPaused(world, rollout, course);
  const move = moveOn(world, rollout, course);
  return { move, goal: course.goal, hold: course.hold };
}

function answerFailure(world: World, rollout: Rollout, failure: Failure): Move | null {
  if (isTolerated(world, rollout, failure)) {
    const forgiven = [...rollout.forgiven, ...failure.ids];
    return keep(world, { ...rollout, forgiven, tolerated: rollout.tolerated + failure.ids.length });
  }
  if (world.spec.strategy.failureAction === 'pause' && world.memory.stable !== null) {
    if (rollout.paused?.by === 'failure') return null;
    return keep(world, pauseRollout(rollout, 'failure', failure.reason, world.now));
  }
  const outcome = world.memory.stable === null ? 'failed' : 'rolled-back';
  const { reason, message, evidence } = failure;
  return startReturning(world, rollout, { outcome, reason, message, evidence });
}

function moveOn(world: World, rollout: Rollout, course: Course): Move | null {
  if (course.advanced !== null) return keep(world, course.advanced);
  if (rollout.stage === 'monitoring' && world.now >= (rollout.monitorUntil ?? 0) && course.isComplete) {
    return succeedRollout(world, rollout);
  }
  if (rollout.stage === 'advancing' && course.isComplete) return keep(world, startMonitoring(world, rollout));
  return watchDeadline(world, rollout, course.hold);
}

// A rollback by the operator has nothing to be judged by.
function startMonitoring(world: World, rollout: Rollout): Rollout {
  const monitorMs = rollout.kind === 'rollback' ? 0 : world.spec.strategy.monitorMs;
  return { ...rollout, stage: 'monitoring', monitorUntil: world.now + monitorMs };
}

/** The deadline moves with progress and stands beyond a planned hold; past it the rollout turns back. */
function watchDeadline(world: World, rollout: Rollout, hold: Hold | null): Move | null {
  const { progressDeadlineMs } = world.spec.strategy;
  const progress = measureProgress(world, rollout);
  if (progress > rollout.progress) {
    return keep(world, { ...rollout, progress, deadline: world.now + progressDeadlineMs });
  }
  if (hold?.isPlanned === true) {
    const deadline = hold.next?.at == null ? rollout.deadline : hold.next.at + progressDeadlineMs;
    return deadline > rollout.deadline ? keep(world, { ...rollout, deadline }) : null;
  }
  const start = Math.max(
    rollout.deadline,
    (rollout.monitorUntil ?? 0) + progressDeadlineMs * Number(rollout.monitorUntil !== null),
  );
  if (world.now < start) return null;
  return answerDeadline(world, rollout);
}

function answerDeadline(world: World, rollout: Rollout): Move {
  if (world.spec.strategy.failureAction === 'pause' && world.memory.stable !== null) {
    return keep(world, pauseRollout(rollout, 'failure', 'progress-deadline', world.now));
  }
  return startReturning(world, rollout, judgeDeadline(world, rollout));
}

// Held by an operator or on failure: nothing new is started and nothing is retired; what is routed stays.
function holdPaused(world: World, rollout: Rollout, course: Course): Notch {
  const reason = rollout.paused?.by === 'failure' ? 'paused-on-failure' : 'paused-by-operator';
  const message =
    rollout.paused?.by === 'failure'
      ? `Paused on failure (${rollout.paused.reason}); resume, retry or abort.`
      : 'Paused by an operator; resume or abort.';
  const hold: Hold = { reason, message, next: { what: 'resume', at: null }, isPlanned: true };
  const { type } = world.spec.strategy;
  const isAtomic = type === 'recreate' && !canHoldRecreate(world, rollout);
  if (isAtomic || type === 'canary' || type === 'blue-green') return { move: null, goal: course.goal, hold };
  return { move: null, goal: standStill(world), hold };
}

function standStill(world: World): Goal {
  const present = revisionsPresent(world);
  const wanted = Object.fromEntries(present.map((r) => [r, aliveOf(world, r).length] as const));
  const ready = Object.fromEntries(
    present.map((r) => [r, readyOf(world, r).filter((m) => m.available).length] as const),
  );
  return { ...goalOf(wanted, computeProportional(ready)), needed: ready };
}

export function keep(world: World, rollout: Rollout): Move {
  return stay({ ...world.memory, rollout });
}
