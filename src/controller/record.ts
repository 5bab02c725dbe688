// What the controller keeps in `P/services/<service>/rollout`: the core's memory, and the last spec that was valid, so
// that what runs goes on when the spec is spoilt or gone. Private, documented in docs/etcd.md.
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import type { Memory } from '../../strategies/model.ts';

export interface ServiceRecord {
  readonly memory: Memory;
  /** The text of the last valid spec. */
  readonly accepted: string | null;
  /** When it was written, by the clock of the controller that did; 0 when that is not said. */
  readonly at: number;
}

export const EMPTY_RECORD: ServiceRecord = { memory: EMPTY_MEMORY, accepted: null, at: 0 };

/** Null when it cannot be read: then nothing may be done for the service. Fields that it lacks are empty. */
export function parseRecord(text: string): ServiceRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !isObject(value.memory)) return null;
    const accepted = typeof value.accepted === 'string' ? value.accepted : null;
    return { memory: { ...EMPTY_MEMORY, ...value.memory }, accepted, at: isTime(value.at) ? value.at : 0 };
  } catch {
    return null;
  }
}

export function formatRecord(record: ServiceRecord): string {
  return JSON.stringify(record);
}

// What no date can be is no time: it would hold every clock.
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(new Date(value).getTime());
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
