// A request that finds no target waits for one, as long as its service allows, among at most so many.
import type { AnswerCode } from '../errors.ts';
import type { Service } from '../table/service.ts';

/** When no target takes a connection, how soon one of those who wait tries them all again. */
const RETRY_MS = 75;

interface Waiting {
  /** The only revision that will do, or null. */
  readonly forced: number | null;
}

/** Since when: by `performance.now()`. Null when it is worth another try, otherwise what to answer. */
export async function waitForTarget(
  service: Service,
  waiting: Waiting,
  since: number,
): Promise<AnswerCode | null> {
  if (!service.routed) return 'no-route';
  const unreachable = service.hasTarget(waiting.forced);
  if (!unreachable && !service.entry.coming) return 'no-target';
  const { parkTimeoutMs, parkMaxRequests } = service.settings;
  const leftMs = since + parkTimeoutMs - performance.now();
  if (leftMs <= 0) return unreachable ? 'target-unreachable' : 'park-timeout';
  if (service.lot.size >= parkMaxRequests) return unreachable ? 'target-unreachable' : 'park-full';
  if (unreachable) service.lot.tryIn(RETRY_MS);
  await service.lot.stay(waiting, leftMs);
  return null;
}
