// Which target takes a request: the split decides the revision, exactly; within it the least busy target does, in turn
// where they are equal. Does not claim, park or retry.
import { Group, type Resort } from './group.ts';
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
    this.#wheel = this.#wheelOf(this.#shares);
  }

  /** Whether the table has a target that this request may use at all, reachable or not. */
  hasTarget(forced: number | null): boolean {
    return forced === null ? this.#shares.length > 0 : this.#groups.has(forced);
  }

  findOther(revision: number): number | null {
    const weightOf = (each: number): number =>
      this.#split.find((share) => share.revision === each)?.weight ?? 0;
    const others = [...this.#groups.keys()].filter((each) => each !== revision);
    return others.sort((a, b) => weightOf(b) - weightOf(a) || b - a)[0] ?? null;
  }

  /** Null when every target that may be used has failed this request, or there is none. */
  pick(wish: Wish, now: number): Target | null {
    return (
      this.#pickAmong(wish, now, 'well') ??
      this.#pickAmong(wish, now, 'doubtful') ??
      this.#pickAmong(wish, now, 'any')
    );
  }

  #pickAmong(wish: Wish, now: number, resort: Resort): Target | null {
    if (wish.forced !== null) return this.#groups.get(wish.forced)?.next(wish.tried, now, resort) ?? null;
    return this.#pickPreferred(wish, now, resort) ?? this.#pickBySplit(wish, now, resort);
  }

  #pickPreferred(wish: Wish, now: number, resort: Resort): Target | null {
    if (wish.preferred === null) return null;
    const share = this.#shares.find(({ group }) => group.revision === wish.preferred);
    return share === undefined ? null : share.group.next(wish.tried, now, resort);
  }

  #pickBySplit({ tried }: Wish, now: number, resort: Resort): Target | null {
    const all = this.#shares;
    const isUsable = ({ group }: { readonly group: Group }): boolean => group.has(tried, now, resort);
    const shares = all.length < 2 || all.every(isUsable) ? all : all.filter(isUsable);
    const wheel = shares === all ? this.#wheel : this.#wheelOf(shares);
    return shares[wheel === null ? 0 : wheel.next()]?.group.next(tried, now, resort) ?? null;
  }

  /** Null where there is nothing to choose. */
  #wheelOf(shares: readonly { readonly group: Group; readonly weight: number }[]): Wheel | null {
    if (shares.length < 2) return null;
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
        return [revision, new Group(revision, members, this.#groups.get(revision))];
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
