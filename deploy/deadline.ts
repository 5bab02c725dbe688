// The outer timer of every external call: dockerode never settles when a reply is cut in its middle, so nothing is
// awaited without this. A timeout is a failure, never a success.
import { RuntimeFailure } from './errors.ts';

export interface Deadline {
  readonly timeoutMs: number;
  /** What was tried on what, for the message: `stop web-r3-1`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settles with `run`, or rejects with `timeout` or `cancelled`. The signal given to `run` aborts only when the call is
 * given up, so a stream that it returned may live on.
 */
export async function withDeadline<T>(
  { timeoutMs, what, signal }: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw new RuntimeFailure('cancelled', `${what}: cancelled before it began`);
  const attempt = new AbortController();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new RuntimeFailure('timeout', `${what}: no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const cancel = () => reject(new RuntimeFailure('cancelled', `${what}: cancelled`));
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await Promise.race([run(attempt.signal), givenUp]);
  } catch (error) {
    attempt.abort();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => resolve();
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}
