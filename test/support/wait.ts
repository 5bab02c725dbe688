// Waiting in tests for what the world does in its own time: polls, with a deadline that says what was last seen.
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** Why it will never come, such as the last words of a program that has ended; null while it may. */
  readonly hopeless?: () => string | null;
}

/** Resolves with the first value that is neither null, undefined nor false; what `probe` throws means not yet. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  { timeoutMs = 30_000, intervalMs = 50, hopeless = () => null }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = 'nothing';
  while (performance.now() < deadline) {
    let value: T | null | undefined | false = null;
    try {
      value = await probe();
      last = value;
    } catch (error) {
      last = error;
    }
    // First: somebody else may answer in the place of one that has ended.
    const why = hopeless();
    if (why !== null) throw new Error(`${what} will not come: ${why}`);
    if (value !== null && value !== undefined && value !== false) return value;
    await sleep(intervalMs);
  }
  throw new Error(
    `waited ${timeoutMs} ms for ${what}; last seen: ${last instanceof Error ? last.message : String(last)}`,
  );
}
