// The words in which a strategy answers: what it wants now, whether it may go on, and what it waits for.
import type { Reason, Rollout } from './model.ts';
import type { Match } from './spec.ts';
import type { World } from './world.ts';

/** What should stand now. A revision that is absent from `wanted` is retired. */
export interface Goal {
  /** Replicas by revision, not counting those on their way out. */
  readonly wanted: Readonly<Record<number, number>>;
  /** Desired weights by revision; empty: nobody, so requests park. */
  readonly split: Readonly<Record<number, number>>;
  /** Replicas that a desired weight is meant for, where that is not its share of `replicas`. */
  readonly needed: Readonly<Record<number, number>>;
  /** Never gets more than its desired weight while anybody else is ready: the candidate on trial. */
  readonly guarded: number | null;
  /** Is in the table without weight, for those who ask for it. */
  readonly preview: number | null;
  /** What it is in the table for besides, or besides its weight. */
  readonly trial: Trial | null;
  /** Nothing is started before everything that is not wanted is gone (recreate). */
  readonly isExclusive: boolean;
  /** Containers that may stand at once, leaving ones included: beyond it nothing is started. */
  readonly limit: number;
}

export interface Trial {
  /** Whose requests it gets. */
  readonly match: Match | null;
  /** Percent of the others' safe requests that it is sent as well. */
  readonly mirror: number;
}

export interface Hold {
  readonly reason: Reason;
  readonly message: string;
  readonly next: { readonly what: string; readonly at: number | null } | null;
  /** A wait that is meant: the progress deadline does not run. */
  readonly isPlanned: boolean;
}

export interface Course {
  readonly goal: Goal;
  /** The rollout after its next notch, when that notch may be made now. */
  readonly advanced: Rollout | null;
  /** All traffic is on the candidate and it is available in full: the bake may begin. */
  readonly isComplete: boolean;
  readonly hold: Hold | null;
}

export type Strategy = (world: World, rollout: Rollout) => Course;

export function goalOf(wanted: Goal['wanted'], split: Goal['split'], limit = Number.POSITIVE_INFINITY): Goal {
  return { wanted, split, needed: {}, guarded: null, preview: null, trial: null, isExclusive: false, limit };
}
