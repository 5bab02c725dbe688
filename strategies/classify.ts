// One replica → one class, by ordered rules; the first that holds decides. Where the same facts mean different things
// for a candidate and for a stable replica, the rule says so.
import { isAvailable } from './health.ts';
import type { Reason, Replica } from './model.ts';

export type ReplicaClass = 'gone' | 'failed' | 'draining' | 'ready' | 'starting';

export interface Member {
  readonly replica: Replica;
  readonly class: ReplicaClass;
  /** Ready for as long as its revision must be; what is routed has been, also when a new controller has just come. */
  readonly available: boolean;
  /** The table in the store names it. */
  readonly routed: boolean;
  /** Why it failed. */
  readonly failure: Reason | null;
}

export interface Facts {
  readonly isCandidate: boolean;
  readonly isLeaving: boolean;
  readonly isForgiven: boolean;
  readonly isRouted: boolean;
  readonly minReadyMs: number;
  readonly now: number;
}

const RULES: readonly { readonly class: ReplicaClass; readonly holds: (r: Replica, f: Facts) => boolean }[] =
  [
    { class: 'gone', holds: (r) => r.stopping || r.state === 'removing' },
    { class: 'failed', holds: (r, f) => explainFailure(r, f) !== null },
    { class: 'draining', holds: (_, f) => f.isLeaving },
    { class: 'ready', holds: (r) => r.state === 'running' && r.probe.readySince !== null },
  ];

export function classify(replica: Replica, facts: Facts): Member {
  const found = RULES.find(({ holds }) => holds(replica, facts))?.class ?? 'starting';
  return {
    replica,
    class: found,
    available:
      found === 'ready' && (facts.isRouted || isAvailable(replica.probe, facts.minReadyMs, facts.now)),
    routed: facts.isRouted,
    failure: found === 'failed' ? explainFailure(replica, facts) : null,
  };
}

/**
 * A restart by the engine condemns a candidate; a stable replica is left to the engine's own policy. What ended on its
 * way out did as it was told.
 */
function explainFailure(replica: Replica, facts: Facts): Reason | null {
  const hasEnded = replica.state === 'exited' || replica.state === 'dead';
  if (hasEnded && facts.isLeaving) return null;
  const hasRestarted = replica.state === 'restarting' || replica.restarts > 0;
  if (hasEnded || (facts.isCandidate && hasRestarted)) {
    return replica.outOfMemory ? 'out-of-memory' : 'container-exited';
  }
  if (facts.isForgiven) return 'probe-failed';
  return replica.probe.unhealthySince === null ? null : 'probe-failed';
}
