// What the controller remembers by etcd revision, told in the revisions of the etcd that it is restored into: without it
// a request that was answered long ago would count as new, and a new one could pass for one that was answered. Pure.
import { formatRecord, parseRecord } from '../controller/record.ts';
import { isMap, parseJson } from './documents.ts';

/** The etcd revisions that wrote two of a service's keys; null where there is no such key. */
export interface Writes {
  readonly version: number | null;
  readonly weights: number | null;
}

/** Of no write: what was asked for in another etcd is never what is asked for in this one. */
const NEVER = 0;

/** `was` in the backup, `now` where it is restored. A text that is no record is left as it is. */
export function renumberRecord(text: string, was: Writes, now: Writes): string {
  const record = parseRecord(text);
  if (record === null) return text;
  const { memory } = record;
  const { handled, manual, rollout, last } = memory;
  return formatRecord({
    ...record,
    memory: {
      ...memory,
      handled: handled && {
        ...handled,
        versionRevision: follow(handled.versionRevision, was.version, now.version),
      },
      manual: manual && {
        ...manual,
        weightsRevision: follow(manual.weightsRevision, was.weights, now.weights),
      },
      rollout: rollout && { ...rollout, requested: NEVER },
      last: last && { ...last, requested: NEVER },
      // Whoever gave the command has gone.
      answer: null,
    },
  });
}

/** A receipt of the history. A text that is none is left as it is. */
export function renumberHistory(text: string): string {
  const receipt = parseJson(text);
  return isMap(receipt) && 'requested' in receipt ? JSON.stringify({ ...receipt, requested: NEVER }) : text;
}

/** What was acted on stays so, and what still waited for it does, too. */
function follow(seen: number, was: number | null, now: number | null): number {
  return seen === was && now !== null ? now : NEVER;
}
