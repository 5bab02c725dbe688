// Since when this leader has looked at a service without a gap. What happened in a gap nobody has seen: a deadline that
// passed in it proves nothing against a release until it has been looked at for a while.
import type { Term } from './leader.ts';

interface Looking {
  readonly term: Term | null;
  readonly since: number;
  readonly last: number;
}

/** Twice the longest time between two looks at a service that is well. */
const GAP_MS = 60_000;

export class Attention {
  readonly #looking = new Map<string, Looking>();

  /** It is looked at now; since when. */
  look(service: string, term: Term | null, now: number): number {
    const before = this.#looking.get(service);
    const goesOn = before !== undefined && before.term === term && now - before.last <= GAP_MS;
    const since = goesOn ? before.since : now;
    this.#looking.set(service, { term, since, last: now });
    return since;
  }

  /** It could not be looked at, or needs no look any more. */
  lose(service: string): void {
    this.#looking.delete(service);
  }
}
