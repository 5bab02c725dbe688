// The settings hash: equal exactly when a container made from repository and settings would be.
import { createHash } from 'node:crypto';
import type { RevisionSettings } from '../../strategies/spec.ts';

/** Configuration from keys outside the spec, by name; part of the revision. */
export type Injected = Readonly<Record<string, string>>;

/** 16 hex digits of SHA-256 over the canonical JSON. Injected configuration counts only when there is some. */
export function hashSettings(image: string, settings: RevisionSettings, injected: Injected = {}): string {
  const own = { image, settings };
  const whole = Object.keys(injected).length === 0 ? own : { ...own, injected };
  return createHash('sha256').update(formatCanonical(whole)).digest('hex').slice(0, 16);
}

/** JSON with the keys of every map in order and undefined ones left out. */
function formatCanonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatCanonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const parts = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${formatCanonical(each)}`);
  return `{${parts.join(',')}}`;
}
