// A rollout's life: begin, move its times, turn back, finish. Each takes a memory and returns the next one with what is
// to be written. Nobody else makes or ends a rollout.
import { startStep } from './canary.ts';
import { findFailure, isTolerated } from './failure.ts';
import type {
  FinishedRollout,
  Memory,
  Reason,
  Revision,
  Rollout,
  RolloutKind,
  Verdict,
  Writes,
} from './model.ts';
import { isCondemning, recordFormer } from './rollback.ts';
import { aliveOf, findFreeNumber, findRevision, readyOf, type World } from './world.ts';

export interface Move {
  readonly memory: Memory;
  readonly writes: Writes;
}

export interface Request {
  readonly kind: RolloutKind;
  readonly version: string;
  readonly requested: number;
  readonly insists: boolean;
  /** The revision to go to, when its record exists already. */
  readonly existing: Revision | null;
}

export function beginRollout(world: World, request: Request): Move {
  const former = world.memory.rollout;
  const ended = former === null ? stay(world.memory) : cutShort(world, former, SUPERSEDED);
  const { memory } = ended;
  const revision = request.existing?.number ?? findFreeNumber(world, memory.nextRevision);
  const rollout: Rollout = {
    id: `${world.observed.service}-${revision}-${request.requested}`,
    kind: request.kind,
    requested: request.requested,
    version: request.version,
    revision,
    resolved: false,
    strategy: world.spec.strategy.type,
    stage: 'resolving',
    startedAt: world.now,
    deadline: world.now + world.spec.strategy.progressDeadlineMs,
    ...FRESH,
    gated: hasReady(world, memory.stable),
    insists: request.insists,
  };
  return { memory: { ...memory, rollout, failed: false }, writes: ended.writes };
}

const FRESH = {
  progress: 0,
  held: false,
  step: null,
  batch: null,
  promoted: false,
  monitorUntil: null,
  paused: null,
  forgiven: [],
  tolerated: 0,
  forgivenAt: null,
  verdict: null,
} as const;

export function stay(memory: Memory): Move {
  return { memory, writes: {} };
}

// What has no port yet has no traffic to protect.
function hasReady(world: World, revision: number | null): boolean {
  const isPortless = world.spec.settings.port === null;
  return readyOf(world, revision).some((m) => isPortless || m.replica.address !== null);
}

const SUPERSEDED: Verdict = {
  outcome: 'superseded',
  reason: 'superseded',
  message: 'A newer request took its place.',
  evidence: [],
};

/**
 * Ended by something else than itself: as what it was turned back for, or as `verdict`. What baked at 100 % with nothing
 * of a stable revision behind it is what there is to return to.
 */
export function cutShort(world: World, rollout: Rollout, verdict: Verdict): Move {
  const own = rollout.stage === 'returning' ? rollout.verdict : null;
  const finished = finishRollout(world, rollout, own ?? verdict);
  if (!isAdopted(world, rollout)) return finished;
  const formerly = recordFormer(world.memory, rollout.revision).slice(-Math.max(1, world.spec.history));
  return { ...finished, memory: { ...finished.memory, stable: rollout.revision, formerly, warm: null } };
}

// Where replicas are exchanged the stable revision has gone by then: to head for it would take down what serves. Not
// what has just failed: that is no place to return to.
function isAdopted(world: World, rollout: Rollout): boolean {
  if (rollout.stage !== 'monitoring' || rollout.paused?.by === 'failure') return false;
  const failure = rollout.kind === 'rollback' ? null : findFailure(world, rollout);
  if (failure !== null && !isTolerated(world, rollout, failure)) return false;
  return aliveOf(world, world.memory.stable).length === 0;
}

/** The image is known: the revision's record is written, and the strategy takes over. */
export function startAdvancing(
  world: World,
  rollout: Rollout,
  revision: Omit<Revision, 'created'> | null,
): Move {
  const { memory, spec } = world;
  const steps = spec.strategy.type === 'canary' ? spec.strategy.steps : [];
  const strategy = spec.strategy.type;
  const next: Rollout = {
    ...rollout,
    resolved: true,
    strategy,
    stage: 'advancing',
    step: strategy === 'canary' && rollout.kind !== 'rollback' ? startStep(0, steps, world.now) : null,
  };
  return {
    memory: { ...memory, rollout: next, nextRevision: Math.max(memory.nextRevision, rollout.revision + 1) },
    writes: revision === null ? {} : { revisions: [revision] },
  };
}

export function startReturning(world: World, rollout: Rollout, verdict: Verdict): Move {
  const digest = findRevision(world.observed, rollout.revision)?.digest;
  const stable = findRevision(world.observed, world.memory.stable)?.digest;
  const isTried = rollout.kind !== 'rollback' && digest !== undefined && digest !== stable;
  const isBad = isTried && isCondemning(verdict);
  const isNew = rollout.stage !== 'returning';
  const next: Rollout = {
    ...rollout,
    stage: 'returning',
    verdict,
    paused: null,
    held: false,
    monitorUntil: null,
    // A word to one that is on its way already gives it no more time.
    deadline: isNew ? world.now + world.spec.strategy.progressDeadlineMs : rollout.deadline,
  };
  const { reason, message } = verdict;
  return {
    memory: { ...world.memory, rollout: next },
    writes: isBad && reason !== null ? { quarantine: { digest, reason, rollout: rollout.id, message } } : {},
  };
}

function finishRollout(world: World, rollout: Rollout, verdict: Verdict): Move {
  const finished: FinishedRollout = {
    id: rollout.id,
    kind: rollout.kind,
    strategy: rollout.strategy,
    requested: rollout.requested,
    revision: rollout.revision,
    version: rollout.version,
    digest: findRevision(world.observed, rollout.revision)?.digest ?? null,
    ...verdict,
    startedAt: rollout.startedAt,
    endedAt: world.now,
  };
  const memory: Memory = {
    ...world.memory,
    rollout: null,
    last: finished,
    failed: verdict.outcome === 'failed' && world.memory.stable === null,
  };
  return { memory, writes: { finished: [finished] } };
}

/** The candidate is stable now; the one before may stay warm. */
export function succeedRollout(world: World, rollout: Rollout): Move {
  const verdict: Verdict = {
    outcome: 'succeeded',
    reason: null,
    message: 'All traffic is on it.',
    evidence: [],
  };
  const finished = finishRollout(world, rollout, verdict);
  const { strategy, history } = world.spec;
  const former = world.memory.stable;
  const isWarm = strategy.type === 'blue-green' && former !== null && rollout.kind !== 'rollback';
  const memory: Memory = {
    ...finished.memory,
    stable: rollout.revision,
    formerly: recordFormer(world.memory, rollout.revision).slice(-Math.max(1, history)),
    warm: isWarm ? { revision: former, until: world.now + strategy.keepOldMs } : null,
  };
  return { memory, writes: finished.writes };
}

/** A return is over. */
export function endReturn(world: World, rollout: Rollout, verdict: Verdict): Move {
  return finishRollout(world, rollout, verdict);
}

/** All absolute times move by the length of a pause: paused time is free. */
export function shiftTimes(rollout: Rollout, byMs: number): Rollout {
  const { step } = rollout;
  const shifted =
    step === null ? null : { ...step, endsAt: step.endsAt === null ? null : step.endsAt + byMs };
  return {
    ...rollout,
    deadline: rollout.deadline + byMs,
    monitorUntil: rollout.monitorUntil === null ? null : rollout.monitorUntil + byMs,
    step: shifted,
  };
}

export function pauseRollout(
  rollout: Rollout,
  by: 'operator' | 'failure',
  reason: Reason,
  now: number,
): Rollout {
  return { ...rollout, paused: { since: rollout.paused?.since ?? now, by, reason } };
}

/**
 * Goes on where it was; after a failure, what failed so far is replaced and no longer counts, and the deadline begins
 * anew. Time under manual weights moves the rollout's times when these go, not here.
 */
export function resumeRollout(world: World, rollout: Rollout, failedIds: readonly string[]): Rollout {
  const { paused } = rollout;
  if (paused === null) return rollout;
  const until = world.memory.manual?.since ?? world.now;
  const shifted = { ...shiftTimes(rollout, Math.max(0, until - paused.since)), paused: null };
  if (paused.by === 'operator') return shifted;
  return {
    ...shifted,
    deadline: Math.max(shifted.deadline, world.now + world.spec.strategy.progressDeadlineMs),
    forgiven: [...rollout.forgiven, ...failedIds],
    forgivenAt: world.now,
  };
}
