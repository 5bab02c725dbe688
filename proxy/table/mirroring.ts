// Of one service, which requests are sent to another revision as well, how many of them are under way, and what became
// of them: numbers of their own, since nobody waits for the answers.
import { countClass, type MirrorStats, type MutableClassCounts } from '../counters.ts';

/** Under way at once: a revision that answers slowly must not pile them up. */
export const MOST_MIRRORS = 64;

export class Mirroring {
  readonly #codes: MutableClassCounts = [0, 0, 0, 0, 0];
  #failed = 0;
  #skipped = 0;
  #inFlight = 0;
  /** Percent gathered towards the next one. */
  #gathered = 0;

  /** One of a hundred over `percent`, evenly: with 25 every fourth. */
  isDue(percent: number): boolean {
    this.#gathered += percent;
    if (this.#gathered < 100) return false;
    this.#gathered -= 100;
    return true;
  }

  /** False when there are too many: it is left out. */
  begin(): boolean {
    if (this.#inFlight >= MOST_MIRRORS) {
      this.skip();
      return false;
    }
    this.#inFlight += 1;
    return true;
  }

  skip(): void {
    this.#skipped += 1;
  }

  /** `status` of the answer, or null when none came. */
  end(status: number | null): void {
    this.#inFlight -= 1;
    if (status === null) this.#failed += 1;
    else countClass(this.#codes, status);
  }

  stats(): MirrorStats {
    return { codes: [...this.#codes], failed: this.#failed, skipped: this.#skipped };
  }
}
