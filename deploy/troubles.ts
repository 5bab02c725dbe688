// What actions ran into, by container name, and when each may be tried again. Kept until the same action succeeds or the
// container is out of the way.
import type { ActionKind, Trouble } from '../strategies/model.ts';
import { toRuntimeFailure } from './errors.ts';

interface Entry {
  readonly service: string;
  readonly trouble: Trouble;
  readonly retryAt: number;
}

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 20_000;

export class Troubles {
  readonly #entries = new Map<string, Entry>();

  of(service: string): readonly Trouble[] {
    const entries = [...this.#entries.values()].filter((entry) => entry.service === service);
    return entries.map(({ trouble }) => trouble);
  }

  mayTry(subject: string, action: ActionKind, now: number): boolean {
    const entry = this.#entries.get(subject);
    return entry === undefined || entry.trouble.action !== action || now >= entry.retryAt;
  }

  /** Returns the milliseconds until it may be tried again. */
  add(service: string, subject: string, action: ActionKind, error: unknown, now: number): number {
    const { reason, message } = toRuntimeFailure(error, `${action} ${subject}`);
    const before = this.#entries.get(subject)?.trouble;
    const attempts = before?.action === action ? before.attempts + 1 : 1;
    const trouble = { subject, action, reason, message, attempts, at: now };
    const delayMs = computeRetryDelay(attempts);
    this.#entries.set(subject, { service, trouble, retryAt: now + delayMs });
    return delayMs;
  }

  clear(subject: string): void {
    this.#entries.delete(subject);
  }

  clearService(service: string): void {
    for (const [subject, entry] of this.#entries)
      if (entry.service === service) this.#entries.delete(subject);
  }
}

/** 200 ms after the first failure, doubling, at most 20 s: always below what `decide` waits before it asks again. */
export function computeRetryDelay(attempts: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 20));
}
