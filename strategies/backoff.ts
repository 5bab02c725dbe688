// How long to wait before the same thing is tried again: doubling, from a base to a limit. No jitter: the executor and
// the store add theirs where many could meet.

const HEALING = { baseMs: 1000, limitMs: 300_000 };
const TROUBLE = { baseMs: 250, limitMs: 30_000 };

/** Worked example: a second start not before 1 s after the first, a third 2 s after that, then 4 s, … 5 min. */
export function backoffUntil(record: { readonly attempts: number; readonly at: number } | undefined): number {
  return record === undefined ? 0 : record.at + doubled(HEALING, record.attempts - 1);
}

/** When an action that failed `attempts` times in a row may be tried again. */
export function retryAt(trouble: { readonly attempts: number; readonly at: number }): number {
  return trouble.at + doubled(TROUBLE, trouble.attempts - 1);
}

function doubled(of: { readonly baseMs: number; readonly limitMs: number }, times: number): number {
  return Math.min(of.limitMs, of.baseMs * 2 ** Math.max(0, Math.min(times, 30)));
}
