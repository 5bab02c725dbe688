// What an operator's word does to the memory. Every word is consumed and answered; `abort` outranks everything.
import { startStep, stepsOf } from './canary.ts';
import { findUnmet, readDesired } from './desired.ts';
import { findFailure } from './failure.ts';
import type { Command, Memory, Rollout, Verdict, Written } from './model.ts';
import { findRollbackTarget } from './rollback.ts';
import {
  beginRollout,
  endReturn,
  type Move,
  pauseRollout,
  resumeRollout,
  startReturning,
  stay,
} from './rollout.ts';
import { availableOf, findRevision, type World } from './world.ts';

type Answer = Move & { readonly text: string; readonly refused: boolean };

/** Null when there is no command. The move deletes the key and remembers the answer. */
export function consumeCommand(world: World): Move | null {
  const written = world.observed.command;
  if (written === null) return null;
  const answer = written.value.ok
    ? obey(world, { value: written.value.value, revision: written.revision })
    : refuse(world, `${written.value.problem}.`);
  const memory: Memory = {
    ...answer.memory,
    answer: { command: written.revision, text: answer.text, refused: answer.refused },
  };
  return { memory, writes: { ...answer.writes, consume: written.revision } };
}

function obey(world: World, command: Written<Command>): Answer {
  const { rollout } = world.memory;
  const { word, to } = command.value;
  switch (word) {
    case 'abort':
      return abort(world, rollout);
    case 'pause':
      return pause(world, rollout);
    case 'resume':
      return resume(world, rollout);
    case 'promote':
      return promote(world, rollout);
    case 'retry':
      return retry(world, rollout, command.revision);
    case 'restart':
      return restart(world, rollout, command.revision);
    case 'rollback':
      return rollBack(world, rollout, to, command.revision);
  }
}

function refuse(world: World, text: string): Answer {
  return { ...stay(world.memory), text, refused: true };
}

function accept(move: Move, text: string): Answer {
  return { ...move, text, refused: false };
}

function keep(world: World, rollout: Rollout, text: string): Answer {
  return accept(stay({ ...world.memory, rollout }), text);
}

function abort(world: World, rollout: Rollout | null): Answer {
  if (rollout === null) return refuse(world, 'Nothing to abort: no rollout is in progress.');
  const verdict: Verdict = {
    outcome: 'aborted',
    reason: 'aborted-by-operator',
    message: 'Aborted by an operator.',
    evidence: [],
  };
  return turnBack(world, rollout, verdict, 'Aborting.');
}

// Under manual weights nothing returns: they are the operator's word for what runs, so the rollout just ends.
function turnBack(world: World, rollout: Rollout, verdict: Verdict, text: string): Answer {
  const isOnItsWay = isTurnedBack(rollout);
  if (world.memory.manual !== null) {
    const ending = isOnItsWay && rollout.verdict !== null ? rollout.verdict : verdict;
    return accept(endReturn(world, rollout, ending), 'Ended; the manual weights stay in force.');
  }
  if (isOnItsWay) return accept(stay(world.memory), 'It is going back already.');
  return accept(startReturning(world, rollout, verdict), text);
}

// Its verdict, with the evidence, is the truer one.
function isTurnedBack({ stage, verdict }: Rollout): boolean {
  return stage === 'returning' && verdict?.outcome !== 'succeeded';
}

function pause(world: World, rollout: Rollout | null): Answer {
  if (rollout === null) return refuse(world, 'Nothing to pause: no rollout is in progress.');
  if (rollout.stage === 'returning') return refuse(world, 'A return to the stable revision is not paused.');
  if (rollout.paused !== null) return refuse(world, 'It is paused already.');
  return keep(world, pauseRollout(rollout, 'operator', 'paused-by-operator', world.now), 'Paused.');
}

function resume(world: World, rollout: Rollout | null): Answer {
  if (rollout === null || rollout.paused === null)
    return refuse(world, 'Nothing to resume: nothing is paused.');
  return keep(world, resumeRollout(world, rollout, failedIds(world, rollout)), 'Resumed.');
}

function failedIds(world: World, rollout: Rollout): readonly string[] {
  return findFailure(world, rollout)?.ids ?? [];
}

function promote(world: World, rollout: Rollout | null): Answer {
  if (rollout === null) return refuse(world, 'Nothing to promote: no rollout is in progress.');
  if (rollout.paused !== null) return refuse(world, 'It is paused; resume it first.');
  if (rollout.stage === 'monitoring')
    return keep(world, { ...rollout, monitorUntil: world.now }, 'Ending the bake.');
  if (rollout.stage !== 'advancing') return refuse(world, `Nothing to promote while ${rollout.stage}.`);
  return promoteByStrategy(world, rollout);
}

function promoteByStrategy(world: World, rollout: Rollout): Answer {
  const { type } = world.spec.strategy;
  if (type === 'canary' && rollout.step !== null) {
    const step = stepsOf(world)[rollout.step.index];
    if (step === undefined || step.kind === 'weight') {
      return refuse(world, 'Nothing to promote: the current step is not a pause.');
    }
    const next = startStep(rollout.step.index + 1, stepsOf(world), world.now);
    return keep(world, { ...rollout, step: next }, 'Going on to the next step.');
  }
  if (type === 'blue-green' && !rollout.promoted) {
    const isUp = availableOf(world, rollout.revision).length >= world.spec.replicas;
    if (!isUp) return refuse(world, 'The candidate is not up in full yet.');
    return keep(world, { ...rollout, promoted: true }, 'Switching to the candidate.');
  }
  return refuse(world, `A ${type} rollout waits for no promotion here.`);
}

function retry(world: World, rollout: Rollout | null, revision: number): Answer {
  if (rollout !== null) {
    if (rollout.paused?.by === 'failure') return resume(world, rollout);
    return refuse(world, 'A rollout is in progress; abort it first.');
  }
  const { freeze } = world.observed;
  const desired = readDesired(world.observed);
  if (freeze !== null) return refuse(world, `Frozen: ${freeze}`);
  if (desired === null) return refuse(world, 'Nothing to retry: there is no valid version.');
  const { version } = desired;
  if (findUnmet(world) === null) return refuse(world, `Nothing to retry: ${version} runs already.`);
  const request = { kind: 'release', version, requested: revision, insists: true, existing: null } as const;
  const begun = beginRollout(world, request);
  // Or a version that was written with it would begin a rollout of its own.
  return accept({ ...begun, memory: { ...begun.memory, handled: desired } }, `Trying ${version} again.`);
}

function restart(world: World, rollout: Rollout | null, revision: number): Answer {
  const stable = findRevision(world.observed, world.memory.stable);
  if (rollout !== null) return refuse(world, 'A rollout is in progress; it replaces every replica anyway.');
  if (world.observed.freeze !== null) return refuse(world, `Frozen: ${world.observed.freeze}`);
  if (stable === null) return refuse(world, 'Nothing to restart: there is no stable revision.');
  const request = {
    kind: 'restart',
    version: stable.version,
    requested: revision,
    insists: true,
    existing: null,
  } as const;
  return accept(beginRollout(world, request), `Restarting ${stable.version}.`);
}

function rollBack(world: World, rollout: Rollout | null, to: number | null, revision: number): Answer {
  if (rollout !== null && (to === null || to === world.memory.stable)) return giveBack(world, rollout);
  if (rollout !== null && to === rollout.revision && rollout.kind !== 'rollback')
    return refuse(world, `Revision ${to} is what is being rolled out; promote takes it on.`);
  const target = findRollbackTarget(world, to);
  if (!target.ok) return refuse(world, target.why);
  const { version, number } = target.revision;
  const request = {
    kind: 'rollback',
    version,
    requested: revision,
    insists: true,
    existing: target.revision,
  } as const;
  return accept(beginRollout(world, request), `Going back to revision ${number} (${version}).`);
}

function giveBack(world: World, rollout: Rollout): Answer {
  if (world.memory.stable === null)
    return refuse(world, 'There is no stable revision to go back to; abort instead.');
  const verdict: Verdict = {
    outcome: 'rolled-back',
    reason: 'rollback-requested',
    message: 'Rolled back by an operator.',
    evidence: [],
  };
  return turnBack(world, rollout, verdict, 'Going back to the stable revision.');
}
