// The last words of a container, for evidence: to be read before it is removed.
import { messageOf } from './errors.ts';
import type { ContainerRuntime } from './runtime.ts';

export const EVIDENCE_LINES = 50;

/** Never fails: a log that cannot be read leaves a line that says so. */
export async function readLogTail(
  runtime: Pick<ContainerRuntime, 'tailLog'>,
  id: string,
): Promise<readonly string[]> {
  try {
    return await runtime.tailLog(id, EVIDENCE_LINES);
  } catch (error) {
    return [`(its log could not be read: ${messageOf(error)})`];
  }
}
