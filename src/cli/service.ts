// One service as its keys show it at one moment: desired state, status, history. Pure reading of a snapshot.
import type { Keys } from '../store/keys.ts';
import { classifyKey } from '../store/keys.ts';
import type { Entry } from '../store/port.ts';
import type { FinishedDocument, StatusDocument } from './documents.ts';
import { parseFinished, parseStatus } from './documents.ts';
import type { Snapshot } from './follow.ts';

export interface ServiceView {
  readonly service: string;
  readonly spec: Entry | null;
  readonly version: Entry | null;
  readonly weights: Entry | null;
  readonly command: Entry | null;
  readonly freeze: Entry | null;
  /** The state machine's memory. */
  readonly rollout: Entry | null;
  /** Null while no controller has written one. */
  readonly status: StatusDocument | null;
  /** Newest first. */
  readonly history: readonly FinishedDocument[];
  readonly quarantined: readonly string[];
  readonly trouble: string | null;
}

export function readService(keys: Keys, service: string, snapshot: Snapshot): ServiceView {
  const at = (key: string): Entry | null => snapshot.entries.get(key) ?? null;
  const status = at(keys.status(service));
  return {
    service,
    spec: at(keys.spec(service)),
    version: at(keys.version(service)),
    weights: at(keys.weights(service)),
    command: at(keys.command(service)),
    freeze: at(keys.serviceFreeze(service)),
    rollout: at(keys.rollout(service)),
    status: status === null ? null : parseStatus(status.value),
    history: readBelow(snapshot, keys.histories(service), parseFinished).sort(byEnd),
    quarantined: [...snapshot.entries.keys()]
      .filter((key) => key.startsWith(keys.quarantines(service)))
      .map((key) => key.slice(keys.quarantines(service).length)),
    trouble: snapshot.trouble,
  };
}

function readBelow<T>(snapshot: Snapshot, prefix: string, parse: (text: string) => T | null): T[] {
  return [...snapshot.entries.values()]
    .filter((entry) => entry.key.startsWith(prefix))
    .map((entry) => parse(entry.value))
    .filter((value) => value !== null);
}

function byEnd(a: FinishedDocument, b: FinishedDocument): number {
  return Date.parse(b.ended) - Date.parse(a.ended);
}

/** Services that have a spec or a status, sorted; a service being retired has only the latter. */
export function listServices(keys: Keys, snapshot: Snapshot): readonly string[] {
  const names = [...snapshot.entries.keys()].flatMap((key) => {
    const shape = classifyKey(keys.prefix, key);
    return shape.kind === 'spec' || shape.kind === 'status' ? [shape.service] : [];
  });
  return [...new Set(names)].sort();
}
