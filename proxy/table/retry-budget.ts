// How many requests of a service may be sent a second time: a share of those that came lately. Two counts of the window
// that runs and two of the one before; no timer.

const WINDOW_MS = 5_000;
/** A service with few requests may repeat so many a second all the same. */
const LEAST_PER_SECOND = 3;

export class RetryBudget {
  #endsAt = 0;
  #requests = 0;
  #retries = 0;
  #formerRequests = 0;
  #formerRetries = 0;

  /** A request has come; `now` by `performance.now()`. */
  note(now: number): void {
    if (now >= this.#endsAt) this.#turn(now);
    this.#requests += 1;
  }

  /** False when the share is spent; otherwise one more is counted. */
  take(percent: number, now: number): boolean {
    if (now >= this.#endsAt) this.#turn(now);
    const requests = this.#requests + this.#formerRequests;
    const most = Math.max((requests * percent) / 100, (LEAST_PER_SECOND * WINDOW_MS) / 1_000);
    if (this.#retries + this.#formerRetries >= most) return false;
    this.#retries += 1;
    return true;
  }

  #turn(now: number): void {
    const isNext = now < this.#endsAt + WINDOW_MS;
    this.#formerRequests = isNext ? this.#requests : 0;
    this.#formerRetries = isNext ? this.#retries : 0;
    this.#requests = 0;
    this.#retries = 0;
    this.#endsAt = now + WINDOW_MS;
  }
}
