// What the containers of one version do in a simulated world, and what pulling its image comes to.
import type { PullFailureKind, Reason } from '../../strategies/model.ts';

export interface Behaviour {
  /** From the start of the container to its first good probe; null: never. */
  readonly readyAfterMs: number | null;
  /** It exits by itself, so long after its start. */
  readonly exitsAfterMs: number | null;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** The engine starts it again when it exits. */
  readonly isRestarted: boolean;
  /** Its probe turns bad, so long after its start. */
  readonly sickAfterMs: number | null;
  /** The engine refuses to start it. */
  readonly refusal: Reason | null;
}

export const GOOD: Behaviour = {
  readyAfterMs: 2000,
  exitsAfterMs: null,
  exitCode: 1,
  outOfMemory: false,
  isRestarted: false,
  sickAfterMs: null,
  refusal: null,
};

export const NEVER_READY: Behaviour = { ...GOOD, readyAfterMs: null };
export const EXITS_AT_ONCE: Behaviour = { ...GOOD, readyAfterMs: null, exitsAfterMs: 100, exitCode: 3 };
export const OUT_OF_MEMORY: Behaviour = { ...EXITS_AT_ONCE, exitCode: 137, outOfMemory: true };
export const RESTARTS: Behaviour = { ...EXITS_AT_ONCE, isRestarted: true };

export function crashesAfter(ms: number): Behaviour {
  return { ...GOOD, exitsAfterMs: ms };
}

export function turnsSickAfter(ms: number): Behaviour {
  return { ...GOOD, sickAfterMs: ms };
}

export function refusedWith(refusal: Reason): Behaviour {
  return { ...GOOD, refusal };
}

/** Whether its probe is answered well at this age. */
export function isHealthyAt(behaviour: Behaviour, ageMs: number): boolean {
  const { readyAfterMs, sickAfterMs } = behaviour;
  if (readyAfterMs === null || ageMs < readyAfterMs) return false;
  return sickAfterMs === null || ageMs < sickAfterMs;
}

export interface Pull {
  readonly takesMs: number;
  /** How often it fails before it succeeds; Infinity: always. */
  readonly failures: number;
  readonly failure: PullFailureKind;
}

export const PULLED: Pull = { takesMs: 300, failures: 0, failure: 'missing' };
export const MISSING: Pull = { takesMs: 300, failures: Number.POSITIVE_INFINITY, failure: 'missing' };
export const RATE_LIMITED: Pull = { ...MISSING, failure: 'rate-limit' };
