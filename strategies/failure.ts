// Has the candidate failed? Evidence first: what its containers did, what its probes said, what the engine refused.
import type { Member } from './classify.ts';
import { countOf } from './describe.ts';
import type { Evidence, Reason, Rollout, Trouble, Verdict } from './model.ts';
import { isAcknowledged } from './proxies.ts';
import { membersOf, type World } from './world.ts';

export interface Failure {
  readonly reason: Reason;
  readonly message: string;
  readonly evidence: readonly Evidence[];
  /** Container ids that failed. */
  readonly ids: readonly string[];
  /** Replicas that could not be started at all. */
  readonly unstarted: number;
}

const SEVERITY: readonly Reason[] = ['out-of-memory', 'container-exited', 'probe-failed'];
const FINAL_TROUBLES: readonly Reason[] = ['container-start-failed', 'settings-refused', 'policy-refused'];

/** Null while nothing that counts has failed. */
export function findFailure(world: World, rollout: Rollout): Failure | null {
  const failed = membersOf(world, rollout.revision).filter(
    (m) => m.failure !== null && !rollout.forgiven.includes(m.replica.id),
  );
  const troubles = findTroubles(world, rollout).filter((t) => FINAL_TROUBLES.includes(t.reason));
  if (failed.length + troubles.length === 0) return null;
  return {
    ...nameWorst(failed, troubles),
    evidence: [...failed.map(gatherEvidence), ...troubles.map(describeTrouble)],
    ids: failed.map((m) => m.replica.id),
    unstarted: troubles.length,
  };
}

/** What stands in the way of starting this rollout's containers, the newest last. */
export function findTroubles(world: World, rollout: Rollout): readonly Trouble[] {
  const since = rollout.forgivenAt ?? rollout.startedAt;
  const prefix = `${world.observed.service}-r${rollout.revision}-`;
  return world.observed.troubles.filter(
    (t) => t.action === 'start' && t.subject.startsWith(prefix) && t.at >= since,
  );
}

/** 100 × 0.29 is a little less than 29 in a machine. */
const LEAST = 1e-9;

/** Worked example: 10 replicas, ratio 0.25 → 2 failures are tolerated, the third fails the rollout. */
export function isTolerated(world: World, rollout: Rollout, failure: Failure): boolean {
  const limit = Math.floor(world.spec.replicas * world.spec.strategy.maxFailureRatio + LEAST);
  return failure.unstarted === 0 && rollout.tolerated + failure.ids.length <= limit;
}

function nameWorst(
  failed: readonly Member[],
  troubles: readonly Trouble[],
): { readonly reason: Reason; readonly message: string } {
  const [refused] = troubles;
  const worst = SEVERITY.find((reason) => failed.some((m) => m.failure === reason));
  const member = failed.find((m) => m.failure === worst);
  if (worst === undefined || member === undefined) {
    return {
      reason: refused?.reason ?? 'internal-error',
      message: refused?.message ?? 'It could not be started.',
    };
  }
  return { reason: worst, message: explainMember(member, worst) };
}

function explainMember({ replica }: Member, reason: Reason): string {
  const { name, exitCode, probe } = replica;
  if (reason === 'out-of-memory') return `${name} was killed: out of memory.`;
  if (reason === 'container-exited')
    return `${name} exited${exitCode === null ? '' : ` with code ${exitCode}`}.`;
  const failures = countOf(probe.failures, 'time');
  return `${name} failed its probe ${failures} in a row: ${probe.last?.detail ?? 'no answer'}.`;
}

export function gatherEvidence({ replica }: Member): Evidence {
  return {
    replica: replica.name,
    probe: replica.probe.last?.detail ?? null,
    exitCode: replica.exitCode,
    outOfMemory: replica.outOfMemory,
    log: [],
  };
}

function describeTrouble(trouble: Trouble): Evidence {
  return { replica: trouble.subject, probe: trouble.message, exitCode: null, outOfMemory: false, log: [] };
}

function nameDelay(world: World, unready: readonly Member[]): Reason {
  return unready.length === 0 && !isAcknowledged(world) ? 'waiting-for-proxies' : 'progress-deadline';
}

/** Nothing moved for `progress_deadline`: every replica that is not ready is evidence; with none, it was not its fault. */
export function judgeDeadline(world: World, rollout: Rollout): Verdict {
  const unready = membersOf(world, rollout.revision).filter((m) => !m.available);
  const troubles = findTroubles(world, rollout);
  const [first] = troubles;
  const why = first?.message ?? unready[0]?.replica.probe.last?.detail;
  return {
    outcome: world.memory.stable === null ? 'failed' : 'rolled-back',
    reason: first?.reason ?? nameDelay(world, unready),
    message: `No progress before the deadline${why === undefined ? '' : `: ${why}`}.`,
    evidence: [...unready.map(gatherEvidence), ...troubles.map(describeTrouble)],
  };
}
