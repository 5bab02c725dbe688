// What is kept of a replica that went bad. Its log must be read before the container is removed.
import type { ContainerState, Evidence } from '../strategies/model.ts';
import { messageOf } from './errors.ts';
import type { ContainerRuntime } from './runtime.ts';

export const EVIDENCE_LINES = 50;

type LogReader = Pick<ContainerRuntime, 'tailLog'>;
type Suspect = Pick<ContainerState, 'id' | 'name' | 'exitCode' | 'outOfMemory'>;

/** Never fails: a log that cannot be read leaves a line that says so. `probe`: the last probe's detail. */
export async function collectEvidence(
  runtime: LogReader,
  container: Suspect,
  probe: string | null,
): Promise<Evidence> {
  const { name: replica, exitCode, outOfMemory } = container;
  return { replica, probe, exitCode, outOfMemory, log: await readLogTail(runtime, container.id) };
}

export async function readLogTail(runtime: LogReader, id: string): Promise<readonly string[]> {
  try {
    return await runtime.tailLog(id, EVIDENCE_LINES);
  } catch (error) {
    return [`(its log could not be read: ${messageOf(error)})`];
  }
}

/**
 * The same evidence with the logs in it: read from the containers that are still there, else what `logOf` remembers of
 * a removed one.
 */
export async function fillLogs(
  runtime: LogReader,
  evidence: readonly Evidence[],
  containers: readonly Pick<ContainerState, 'id' | 'name'>[],
  logOf: (name: string) => readonly string[],
): Promise<readonly Evidence[]> {
  return await Promise.all(
    evidence.map(async (one) => {
      if (one.log.length > 0) return one;
      const container = containers.find(({ name }) => name === one.replica);
      const log = container === undefined ? logOf(one.replica) : await readLogTail(runtime, container.id);
      return { ...one, log };
    }),
  );
}
