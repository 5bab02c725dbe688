// The documents that the controller writes for people: status and history, as they stand in the store. Reads them
// with the little trust that a key deserves: a text that is not such a document is null, never an exception.
import type { Evidence, Outcome, Phase, RolloutKind, StrategyType } from '../../strategies/model.ts';

/** RFC 3339, UTC. */
type Time = string;

export interface RoleDocument {
  readonly revision: number;
  readonly version: string;
  readonly digest: string;
  readonly replicas: { readonly wanted: number; readonly ready: number; readonly total: number };
  readonly weight: { readonly desired: number; readonly effective: number };
}

export interface StatusDocument {
  readonly service: string;
  readonly phase: Phase;
  readonly strategy: StrategyType | null;
  readonly version: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly next: { readonly what: string; readonly at: Time | null } | null;
  readonly stable: RoleDocument | null;
  readonly candidate: RoleDocument | null;
  readonly step: {
    readonly index: number;
    readonly count: number;
    readonly what: string;
    readonly started: Time;
    readonly ends: Time | null;
  } | null;
  readonly rollout: {
    readonly id: string;
    readonly requested: number;
    readonly started: Time;
    readonly deadline: Time;
  } | null;
  readonly last: FinishedDocument | null;
  /** The etcd revisions that this status reflects. */
  readonly observed: {
    readonly spec: number | null;
    readonly version: number | null;
    readonly weights: number | null;
    readonly command: number | null;
  };
  readonly updated: Time;
}

/** One finished rollout: a history entry, and `last` of a status. */
export interface FinishedDocument {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly strategy: StrategyType;
  readonly requested: number;
  readonly revision: number;
  readonly version: string;
  readonly digest: string | null;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly message: string;
  readonly started: Time;
  readonly ended: Time;
  readonly evidence: readonly Evidence[];
}

export function parseStatus(text: string): StatusDocument | null {
  const value = parseJson(text);
  return hasTexts<StatusDocument>(value, ['service', 'phase', 'message']) && isMap(value.observed)
    ? value
    : null;
}

export function parseFinished(text: string): FinishedDocument | null {
  const value = parseJson(text);
  return hasTexts<FinishedDocument>(value, ['id', 'outcome', 'version', 'started', 'ended']) ? value : null;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasTexts<T>(value: unknown, names: readonly (keyof T & string)[]): value is T {
  return isMap(value) && names.every((name) => typeof value[name] === 'string');
}
