// A verdict that was just made gets the last log lines of the replicas it names, before their containers are removed.
import type { Evidence, Memory, Observed, Plan, Writes } from '../../strategies/model.ts';
import type { Engine } from './engine.ts';

/** It holds something against a version that was not held against it before. */
export function isBlame({ memory, writes }: Plan, observed: Observed): boolean {
  const before = observed.memory.rollout;
  const after = memory.rollout;
  if (before?.verdict != null) return false;
  const hasEnded = writes.finished?.some(({ outcome }) => outcome === 'failed' || outcome === 'rolled-back');
  const isTolerated = before !== null && after?.id === before.id && after.tolerated > before.tolerated;
  return after?.verdict != null || hasEnded === true || isTolerated;
}

/** A verdict that was just made takes traffic off a replica: that must not wait for a log to be read. */
export function isUrgent(plan: Plan, observed: Observed): boolean {
  if (plan.memory.rollout?.verdict == null || observed.memory.rollout?.verdict != null) return false;
  return plan.writes.route !== undefined && plan.writes.finished === undefined;
}

/** The same plan without its actions: what it counted as started was not, and may start in the next pass at once. */
export function postponeActions(plan: Plan, before: Memory): Plan {
  return { ...plan, actions: [], memory: { ...plan.memory, healing: before.healing } };
}

/** The same plan, its new evidence with logs. `before`: the memory whose evidence has them already. */
export async function fillEvidence(
  plan: Plan,
  before: Memory | null,
  observed: Observed,
  engine: Engine,
): Promise<Plan> {
  const known = new Set(before === null ? [] : listEvidence(before, {}));
  const fresh = listEvidence(plan.memory, plan.writes).filter(
    (item) => !known.has(item) && item.log.length === 0,
  );
  const names = new Set(fresh.map(({ replica }) => replica));
  if (names.size === 0) return plan;
  const logs = await readLogs(observed, names, engine);
  const fill = (item: Evidence): Evidence =>
    item.log.length > 0 || !logs.has(item.replica) ? item : { ...item, log: logs.get(item.replica) ?? [] };
  return { ...plan, memory: fillMemory(plan.memory, fill), writes: fillWrites(plan.writes, fill) };
}

function listEvidence(memory: Memory, writes: Writes): readonly Evidence[] {
  const finished = (writes.finished ?? []).flatMap(({ evidence }) => evidence);
  return [...(memory.rollout?.verdict?.evidence ?? []), ...(memory.last?.evidence ?? []), ...finished];
}

async function readLogs(observed: Observed, names: ReadonlySet<string>, engine: Engine) {
  const replicas = observed.replicas.filter(({ name }) => names.has(name));
  const read = await Promise.all(
    replicas.map(async ({ name, id }) => [name, await engine.tailLog(id)] as const),
  );
  return new Map(read);
}

function fillMemory(memory: Memory, fill: (item: Evidence) => Evidence): Memory {
  const { rollout, last } = memory;
  const verdict = rollout?.verdict;
  return {
    ...memory,
    rollout:
      rollout === null || verdict == null
        ? rollout
        : { ...rollout, verdict: { ...verdict, evidence: verdict.evidence.map(fill) } },
    last: last === null ? null : { ...last, evidence: last.evidence.map(fill) },
  };
}

function fillWrites(writes: Writes, fill: (item: Evidence) => Evidence): Writes {
  if (writes.finished === undefined) return writes;
  return { ...writes, finished: writes.finished.map((f) => ({ ...f, evidence: f.evidence.map(fill) })) };
}
