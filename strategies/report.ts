// What a person, a metric and the status document say after a pass: phase, reason, one sentence, both roles.
import { stepsOf } from './canary.ts';
import type { Goal, Hold } from './course.ts';
import { countOf, describeStep, formatRoughly } from './describe.ts';
import { findUnmet, isPending } from './desired.ts';
import { findTroubles } from './failure.ts';
import { findMissingImage, type Saying, sayManual } from './manual-report.ts';
import type { Memory, Phase, Reason, Report, RoleReport, Rollout } from './model.ts';
import { findStrike } from './progress.ts';
import { countBusy, findMissing, findRefusal, isAcknowledged } from './proxies.ts';
import { effectiveSplit } from './route.ts';
import { aliveOf, findRevision, identify, membersOf, readyOf, type World } from './world.ts';

export function reportWorld(world: World, goal: Goal, hold: Hold | null): Report {
  const { memory } = world;
  const { rollout } = memory;
  const candidate = rollout === null || rollout.revision === memory.stable ? null : rollout.revision;
  return {
    ...sayWhat(world, goal, hold),
    stable: reportRole(world, goal, memory.stable),
    candidate: reportRole(world, goal, candidate),
    step: rollout === null ? null : reportStep(world, rollout),
  };
}

function sayWhat(world: World, goal: Goal, hold: Hold | null): Saying {
  return tellRefusal(world.memory, findInvalid(world) ?? sayCourse(world, goal, hold));
}

/** Before everything else, until the next answer or request. */
export function tellRefusal({ answer }: Memory, said: Saying): Saying {
  return answer?.refused === true
    ? { ...said, message: `Refused: ${endSentence(answer.text)} ${said.message}` }
    : said;
}

function endSentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

function sayCourse(world: World, goal: Goal, hold: Hold | null): Saying {
  const { rollout, manual } = world.memory;
  if (manual !== null) return sayManual(world, manual, goal);
  return rollout === null ? sayIdle(world) : sayRollout(world, rollout, hold);
}

function findInvalid(world: World): Saying | null {
  const { observed, memory } = world;
  const of = (reason: Reason, message: string): Saying => ({ phase: 'invalid', reason, message, next: null });
  if (observed.version !== null && !observed.version.value.ok) {
    return of('invalid-version', `version: ${observed.version.value.problem}. What runs goes on.`);
  }
  if (observed.weights !== null && !observed.weights.value.ok) {
    return of('invalid-weights', `weights: ${observed.weights.value.problem}. The split before stays.`);
  }
  if (memory.manual?.problem != null) {
    return of('invalid-weights', `weights: ${memory.manual.problem}. The split before stays.`);
  }
  return memory.manual === null ? null : findMissingImage(world, memory.manual);
}

function sayIdle(world: World): Saying {
  const { observed, memory } = world;
  const stable = findRevision(observed, memory.stable);
  const next = null;
  if (observed.freeze !== null) {
    const pending = isPending(world) ? ' A request is waiting.' : '';
    return { phase: 'frozen', reason: 'frozen', message: `Frozen: ${observed.freeze}.${pending}`, next };
  }
  if (memory.failed) {
    const { last } = memory;
    return {
      phase: 'failed',
      reason: last?.reason ?? null,
      message: `Nothing runs. ${last?.message ?? ''}`.trim(),
      next,
    };
  }
  if (stable === null) {
    if (memory.last !== null)
      return {
        phase: 'idle',
        reason: memory.last.reason,
        message: `Nothing runs. ${memory.last.message}`,
        next,
      };
    return { phase: 'idle', reason: 'no-version', message: 'Nothing runs: no version is set.', next };
  }
  return sayStable(world, stable.version);
}

function sayStable(world: World, version: string): Saying {
  const { observed, memory } = world;
  const ready = readyOf(world, memory.stable).length;
  const { replicas } = world.spec;
  if (ready < replicas) {
    const trouble = observed.troubles.find((t) => t.action === 'start');
    const message = `${version}: ${ready} of ${countOf(replicas, 'replica')} ready.${trouble === undefined ? '' : ` ${trouble.message}`}`;
    return { phase: 'idle', reason: trouble?.reason ?? 'healing', message, next: null };
  }
  const running = `Running ${version}, ${countOf(replicas, 'replica')}`;
  const refusal = findRefusal(observed);
  if (refusal !== null) {
    const message = `${running}. ${refusal}; it serves the one before.`;
    return { phase: 'idle', reason: 'waiting-for-proxies', message, next: null };
  }
  const unmet = findUnmet(world);
  if (unmet === null) return { phase: 'idle', reason: null, message: `${running}.`, next: null };
  const isBarred = unmet.digest !== null && observed.quarantined.includes(unmet.digest);
  const reason: Reason | null = isBarred ? 'quarantined' : unmet.reason;
  return { phase: 'idle', reason, message: `${running}. ${unmet.message}`, next: null };
}

function sayRollout(world: World, rollout: Rollout, hold: Hold | null): Saying {
  const phase = phaseOf(rollout);
  if (hold !== null) return { phase, reason: hold.reason, message: hold.message, next: hold.next };
  if (rollout.stage === 'monitoring') {
    const next = { what: 'finish', at: rollout.monitorUntil };
    return {
      phase,
      reason: 'monitoring',
      message: `All traffic is on ${rollout.version}; watching it.`,
      next,
    };
  }
  return {
    phase,
    next: { what: 'progress deadline', at: findStrike(world, rollout) },
    ...explainWait(world, rollout),
  };
}

function phaseOf(rollout: Rollout): Phase {
  if (rollout.stage === 'returning')
    return rollout.verdict?.outcome === 'aborted' ? 'aborting' : 'progressing';
  if (rollout.paused !== null) return 'paused';
  return rollout.stage === 'monitoring' ? 'monitoring' : 'progressing';
}

/** Ordered: what stands in the way first. */
function explainWait(world: World, rollout: Rollout): { readonly reason: Reason; readonly message: string } {
  const [trouble] = findTroubles(world, rollout);
  if (trouble !== undefined) return { reason: trouble.reason, message: trouble.message };
  const unready = aliveOf(world, rollout.revision).filter((m) => !m.available);
  const [first] = unready;
  if (first !== undefined) {
    const why = first.replica.probe.last?.detail;
    const message = `Waiting for ${countOf(unready.length, 'replica')} of ${rollout.version}${why === undefined ? '' : ` (${first.replica.name}: ${why})`}.`;
    return { reason: 'starting-replicas', message };
  }
  if (!isAcknowledged(world)) {
    return { reason: 'waiting-for-proxies', message: explainProxies(world) };
  }
  const busy = countDraining(world);
  if (busy > 0)
    return {
      reason: 'draining',
      message: `Waiting for ${countOf(busy, 'request')} in flight on retired replicas.`,
    };
  const leaving = world.members.filter((m) => m.class === 'draining' || m.class === 'gone').length;
  if (leaving > 0)
    return { reason: 'stopping-replicas', message: `Stopping ${countOf(leaving, 'replica')}.` };
  return { reason: 'starting-replicas', message: `Starting replicas of ${rollout.version}.` };
}

function explainProxies(world: World): string {
  const { observed, now } = world;
  const refusal = findRefusal(observed);
  if (refusal !== null) return `${refusal}.`;
  const slow = observed.proxies.filter(({ applied }) => applied < (observed.route?.revision ?? 0));
  if (slow.length > 0) return `Waiting for ${slow.map(({ id }) => id).join(', ')} to apply the table.`;
  const missing = findMissing(world);
  const left = Math.max(0, ...missing.map(({ until }) => until - now));
  const names = missing.map(({ id }) => id).join(', ');
  return `${names} vanished without a word and may still serve; waiting for it, at most ${formatRoughly(left)}.`;
}

function countDraining(world: World): number {
  return world.members.reduce((total, { replica, class: kind }) => {
    if (kind !== 'draining' || replica.address === null) return total;
    return total + countBusy(world.observed, identify(replica.revision, replica.address));
  }, 0);
}

function reportRole(world: World, goal: Goal, number: number | null): RoleReport | null {
  const revision = findRevision(world.observed, number);
  if (revision === null) return null;
  const { version, digest } = revision;
  const members = membersOf(world, revision.number);
  return {
    revision: revision.number,
    version,
    digest,
    replicas: {
      wanted: goal.wanted[revision.number] ?? 0,
      ready: readyOf(world, revision.number).length,
      total: members.length,
    },
    weight: {
      desired: goal.split[revision.number] ?? 0,
      effective: effectiveSplit(world, goal)[revision.number] ?? 0,
    },
  };
}

function reportStep(world: World, rollout: Rollout): Report['step'] {
  const steps = stepsOf(world);
  if (rollout.step === null || !rollout.gated || steps.length === 0) return null;
  const step = steps[rollout.step.index];
  return {
    index: Math.min(rollout.step.index, steps.length),
    // Full weight is a step, too, that no author writes.
    count: steps.length + 1,
    what: step === undefined ? 'weight 100' : describeStep(step),
    started: rollout.step.startedAt,
    ends: step?.kind === 'pause' ? rollout.step.endsAt : null,
  };
}
