// The targets of one revision, and which of them is next: the least busy one, in turn where they are equal. One that has
// just joined the others gets a share that grows with its time. Does not claim.
import type { Target } from './target.ts';

/** Which targets come into question: those that are well, those that failed just now, too, or ejected ones as well. */
export type Resort = 'well' | 'doubtful' | 'any';

export class Group {
  readonly revision: number;
  readonly #targets: readonly Target[];
  #cursor: number;
  /** By `performance.now()`: from then on none is cold; 0 when none ever was. */
  readonly #warmAt: number;

  /** `former`: the revision's group in the table before, whose turn goes on. */
  constructor(revision: number, targets: readonly Target[], former: Group | undefined) {
    this.revision = revision;
    this.#targets = targets;
    this.#cursor = former === undefined ? 0 : former.#cursor;
    this.#warmAt = Math.max(...targets.map((target) => target.warmAt));
  }

  has(tried: ReadonlySet<Target> | null, now: number, resort: Resort): boolean {
    for (const target of this.#targets) {
      if (isUsable(target, tried, now, resort)) return true;
    }
    return false;
  }

  /** Null when all of them have failed this request, or are passed over. */
  next(tried: ReadonlySet<Target> | null, now: number, resort: Resort): Target | null {
    if (this.#warmAt <= now) return this.#leastBusy(tried, now, resort, false);
    const due = this.#dueCold(now);
    const best = this.#leastBusy(tried, now, resort, true);
    if (best === null) return this.#leastBusy(tried, now, resort, false);
    const isTaken = due !== null && due.inFlight <= best.inFlight && isUsable(due, tried, now, resort);
    return isTaken ? due : best;
  }

  /** The search starts behind the last choice, so that equals take turns. */
  #leastBusy(
    tried: ReadonlySet<Target> | null,
    now: number,
    resort: Resort,
    onlyWarm: boolean,
  ): Target | null {
    const targets = this.#targets;
    let best: Target | null = null;
    for (let step = 0; step < targets.length; step += 1) {
      const target = targets[(this.#cursor + step) % targets.length];
      if (target === undefined || !isUsable(target, tried, now, resort)) continue;
      if (onlyWarm && target.warmAt > now) continue;
      if (best === null || target.inFlight < best.inFlight) best = target;
      if (best.inFlight === 0) break;
    }
    if (best !== null) this.#cursor = targets.indexOf(best) + 1;
    return best;
  }

  /**
   * The cold one whose share is due, if any. Each gathers its part of every pick: with one warm target, one at half its
   * time gets 0.5 of 1.5, every third pick.
   */
  #dueCold(now: number): Target | null {
    let total = 0;
    for (const target of this.#targets) total += target.warmth(now);
    let due: Target | null = null;
    for (const target of this.#targets) {
      if (target.warmAt <= now) continue;
      target.credit += target.warmth(now) / total;
      if (due === null && target.credit >= 1) due = target;
    }
    if (due !== null) due.credit -= 1;
    return due;
  }
}

function isUsable(target: Target, tried: ReadonlySet<Target> | null, now: number, resort: Resort): boolean {
  if (tried?.has(target) === true) return false;
  if (resort === 'any') return true;
  return !target.health.isEjected && (resort === 'doubtful' || !target.health.isAside(now));
}
