// Which target takes a request: the split decides the revision, exactly; within it the least busy target does, in turn
// where they are equal. Does not claim, park or retry.
import type { Share } from './table.ts';
import type { Target } from './target.ts';
import { Wheel } from './wheel.ts';

/** What a request asks of its pick. */
export interface Wish {
  /** Of a preview: no other revision will do. */
  readonly forced: number | null;
  /** Of an affinity cookie, or of an earlier try: preferred while it has weight and a target. */
  readonly preferred: number | null;
  /** Targets that failed this request already. */
  readonly tried: ReadonlySet<Target> | null;
}

interface Group {
  readonly revision: number;
  readonly targets: readonly Target[];
  cursor: number;
}

/** More subsets than a service can reasonably see; then their interleavings start anew. */
const MAX_WHEELS = 64;

export class Picker {
  #split: readonly Share[] = [];
  #groups = new Map<number, Group>();
  /** One per subset of revisions that could serve, so that an outage of one does not disturb the shares afterwards. */
  readonly #wheels = new Map<string, Wheel>();
  /** Revisions with weight and targets, and their weights: what the table in force allows. */
  #shares: readonly { readonly group: Group; readonly weight: number }[] = [];
  #wheel: Wheel | null = null;

  /** The interleaving goes on where it was unless the split itself has changed. */
  replace(split: readonly Share[], targets: readonly Target[]): void {
    if (!isSameSplit(split, this.#split)) this.#wheels.clear();
    this.#split = split;
    this.#groups = this.#regroup(targets);
    this.#shares = split.flatMap(({ revision, weight }) => {
      const group = this.#groups.get(revision);
      return group === undefined ? [] : [{ group, weight }];
    });
    this.#wheel = this.#shares.length === 0 ? null : this.#wheelOf(this.#shares);
  }

  /** Whether the table has a target that this request may use at all, reachable or not. */
  hasTarget(forced: number | null): boolean {
    return forced === null ? this.#shares.length > 0 : this.#groups.has(forced);
  }

  /** Null when every target that may be used has failed this request, or there is none. */
  pick(wish: Wish, now: number): Target | null {
    return this.#pickAmong(wish, now, false) ?? this.#pickAmong(wish, now, true);
  }

  #pickAmong(wish: Wish, now: number, lastResort: boolean): Target | null {
    if (wish.forced !== null) {
      const group = this.#groups.get(wish.forced);
      return group === undefined ? null : leastBusy(group, wish, now, lastResort);
    }
    return this.#pickPreferred(wish, now, lastResort) ?? this.#pickBySplit(wish, now, lastResort);
  }

  #pickPreferred(wish: Wish, now: number, lastResort: boolean): Target | null {
    if (wish.preferred === null) return null;
    const share = this.#shares.find(({ group }) => group.revision === wish.preferred);
    return share === undefined ? null : leastBusy(share.group, wish, now, lastResort);
  }

  #pickBySplit(wish: Wish, now: number, lastResort: boolean): Target | null {
    let wheel = this.#wheel;
    let shares = this.#shares;
    if (!shares.every(({ group }) => hasUsable(group, wish, now, lastResort))) {
      shares = shares.filter(({ group }) => hasUsable(group, wish, now, lastResort));
      wheel = shares.length === 0 ? null : this.#wheelOf(shares);
    }
    const chosen = wheel === null ? undefined : shares[wheel.next()];
    return chosen === undefined ? null : leastBusy(chosen.group, wish, now, lastResort);
  }

  #wheelOf(shares: readonly { readonly group: Group; readonly weight: number }[]): Wheel {
    const key = shares.map(({ group }) => group.revision).join();
    const present = this.#wheels.get(key);
    if (present !== undefined) return present;
    if (this.#wheels.size >= MAX_WHEELS) this.#wheels.clear();
    const created = new Wheel(shares.map(({ weight }) => weight));
    this.#wheels.set(key, created);
    return created;
  }

  #regroup(targets: readonly Target[]): Map<number, Group> {
    const byRevision = Map.groupBy(targets, (target) => target.revision);
    return new Map(
      [...byRevision].map(([revision, members]) => {
        const cursor = this.#groups.get(revision)?.cursor ?? 0;
        return [revision, { revision, targets: members, cursor }];
      }),
    );
  }
}

function isSameSplit(a: readonly Share[], b: readonly Share[]): boolean {
  return (
    a.length === b.length &&
    a.every((share, index) => share.revision === b[index]?.revision && share.weight === b[index]?.weight)
  );
}

function isUsable(target: Target, wish: Wish, now: number, lastResort: boolean): boolean {
  return wish.tried?.has(target) !== true && (lastResort || !target.isAside(now));
}

function hasUsable(group: Group, wish: Wish, now: number, lastResort: boolean): boolean {
  for (const target of group.targets) {
    if (isUsable(target, wish, now, lastResort)) return true;
  }
  return false;
}

/** The search starts behind the last choice, so that equals take turns. */
function leastBusy(group: Group, wish: Wish, now: number, lastResort: boolean): Target | null {
  const { targets } = group;
  let best: Target | null = null;
  for (let step = 0; step < targets.length; step += 1) {
    const index = (group.cursor + step) % targets.length;
    const target = targets[index];
    if (target === undefined || !isUsable(target, wish, now, lastResort)) continue;
    if (best === null || target.inFlight < best.inFlight) best = target;
    if (best.inFlight === 0) break;
  }
  if (best !== null) group.cursor = targets.indexOf(best) + 1;
  return best;
}
