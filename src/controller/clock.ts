// The time that decisions run on: milliseconds since the epoch as they were when this process began, and counted from
// there by the monotonic clock. Setting the machine's wall clock moves no deadline, no drain and no pause; people are
// shown the wall clock's time for the same moment.
//
// INVARIANTS
// - it never goes back, and never jumps ahead while the process lives, but for `reach`
// - it is never behind a stamp that another controller wrote: what the store remembers lies in the past, always

export interface Clock {
  /** Whole milliseconds since the epoch, by this clock. */
  readonly now: () => number;
  /** `at` was written already: a clock that is behind it goes on from there. */
  readonly reach: (at: number) => void;
  /** The same moment by the wall clock as it stands now. */
  readonly toWall: (at: number) => number;
}

export interface Sources {
  /** May be set at any time. */
  readonly wall: () => number;
  /** Never is. It may stand still while the machine sleeps: a sleep then takes no time. */
  readonly monotonic: () => number;
}

const REAL: Sources = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Less than that is the clock being slewed: texts that people read do not change for it. */
const SLEW_MS = 2_000;

export function startClock({ wall, monotonic }: Sources = REAL): Clock {
  let origin = wall() - monotonic();
  let aheadMs = 0;
  const now = (): number => Math.floor(origin + monotonic());
  return {
    now,
    reach: (at) => {
      origin = Math.max(origin, at - monotonic());
    },
    toWall: (at) => {
      const ahead = wall() - now();
      if (Math.abs(ahead - aheadMs) > SLEW_MS) aheadMs = ahead;
      return at + aheadMs;
    },
  };
}
