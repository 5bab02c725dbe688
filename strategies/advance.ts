// One rollout, one notch: resolve → advance → monitor → done, or return. Says what should stand now and, when the notch
// may be made, the memory after it. Choosing between the strategies is the one switch here.
import { planBlueGreen } from './blue-green.ts';
import { computeOwnBudget, computeRollbackBudget } from './budget.ts';
import { planCanary } from './canary.ts';
import type { Course, Goal, Hold, Strategy } from './course.ts';
import { type Failure, findFailure, isTolerated, judgeDeadline } from './failure.ts';
import type { Reason, Rollout } from './model.ts';
import { isOverdue, measureProgress, reprieve } from './progress.ts';
import { canHoldRecreate, planRecreate } from './recreate.ts';
import { planResolving } from './resolving.ts';
import { planReturning } from './returning.ts';
import { completeExchange, planExchange, planRolling } from './rolling.ts';
import { type Move, pauseRollout, startReturning, stay, succeedRollout } from './rollout.ts';
import { standStill } from './standing.ts';
import { aliveOf, type World } from './world.ts';

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

function chooseStrategy(world: World, rollout: Rollout): Strategy {
  const { type } = world.spec.strategy;
  if (rollout.kind === 'rollback' && type !== 'recreate') return planGoingBack;
  if (rollout.strategy !== type) return planSwitched;
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
  const { replicas, rollback } = world.spec;
  const budget = computeRollbackBudget(replicas, rollback.parallelism, rollback.order);
  return completeExchange(world, rollout.revision, planExchange(world, rollout.revision, budget, true));
}

/** The strategy was changed under way: what has begun is ended by exchange, without steps or gates that it never had. */
function planSwitched(world: World, rollout: Rollout): Course {
  const { revision } = rollout;
  const goal = planExchange(world, revision, computeOwnBudget(world.spec), true);
  return completeExchange(world, revision, goal);
}

// Where the operator wants to go back to is not on trial: it is healed, and only the deadline ends it.
function judge(world: World, rollout: Rollout): Notch {
  const strategy = chooseStrategy(world, rollout);
  const course = strategy(world, rollout);
  const failure = rollout.kind === 'rollback' ? null : findFailure(world, rollout);
  if (failure !== null) {
    const move = answerFailure(world, rollout, failure);
    if (move !== null) return { move, goal: course.goal, hold: null };
  }
  if (rollout.paused !== null) return holdPaused(world, rollout, strategy, course);
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
  const isBaked = rollout.stage === 'monitoring' && world.now >= (rollout.monitorUntil ?? 0);
  if (isBaked && course.isComplete && isCalm(world, rollout)) return succeedRollout(world, rollout);
  if (rollout.stage === 'advancing' && course.isComplete) return keep(world, startMonitoring(world, rollout));
  return watchDeadline(world, rollout, course.hold);
}

// A bake does not end in the middle of a streak of failing probes: the streak decides.
function isCalm(world: World, rollout: Rollout): boolean {
  return aliveOf(world, rollout.revision).every(({ replica }) => replica.probe.failures === 0);
}

// A rollback by the operator has nothing to be judged by.
function startMonitoring(world: World, rollout: Rollout): Rollout {
  const monitorMs = rollout.kind === 'rollback' ? 0 : world.spec.strategy.monitorMs;
  return { ...rollout, stage: 'monitoring', monitorUntil: world.now + monitorMs };
}

/** The deadline moves with progress and does not run in a planned hold; past it the rollout turns back. */
function watchDeadline(world: World, rollout: Rollout, hold: Hold | null): Move | null {
  const { progressDeadlineMs } = world.spec.strategy;
  const progress = measureProgress(world, rollout);
  const held = hold?.isPlanned === true;
  if (held !== rollout.held || progress > rollout.progress) {
    const from = held ? (hold.next?.at ?? world.now) : world.now;
    const deadline = Math.max(rollout.deadline, from + progressDeadlineMs);
    return keep(world, { ...rollout, held, progress: Math.max(progress, rollout.progress), deadline });
  }
  return isOverdue(world, rollout) ? answerDeadline(world, rollout) : reprieve(world, rollout);
}

function answerDeadline(world: World, rollout: Rollout): Move {
  if (world.spec.strategy.failureAction === 'pause' && world.memory.stable !== null) {
    return keep(world, pauseRollout(rollout, 'failure', 'progress-deadline', world.now));
  }
  return startReturning(world, rollout, judgeDeadline(world, rollout));
}

// Held by an operator or on failure: nothing new is started and nothing is retired; what is routed stays.
function holdPaused(world: World, rollout: Rollout, strategy: Strategy, course: Course): Notch {
  const reason = rollout.paused?.by === 'failure' ? 'paused-on-failure' : 'paused-by-operator';
  const message =
    rollout.paused?.by === 'failure'
      ? explainFailurePause(world, rollout, rollout.paused.reason)
      : 'Paused by an operator; resume or abort.';
  const hold: Hold = { reason, message, next: { what: 'resume', at: null }, isPlanned: true };
  const isAtomic = strategy === planRecreate && !canHoldRecreate(world, rollout);
  const holdsItself = isAtomic || strategy === planCanary || strategy === planBlueGreen;
  return { move: null, goal: holdsItself ? course.goal : standStill(world, rollout.revision), hold };
}

function explainFailurePause(world: World, rollout: Rollout, reason: Reason): string {
  const failure = findFailure(world, rollout);
  const what = failure === null ? '' : ` ${failure.message}`;
  return `Paused on failure (${reason}); resume, retry or abort.${what}`;
}

export function keep(world: World, rollout: Rollout): Move {
  return stay({ ...world.memory, rollout });
}
