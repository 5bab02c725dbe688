// Reads values of unknown shape and collects every problem as `path: found …, expected …`. Knows no field by name.
import { parseDuration } from './duration.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** One per document: a refused value yields the fallback, so that reading goes on and finds the next problem. */
export class Reader {
  readonly problems: string[] = [];

  refuse(path: string, found: unknown, expected: string): void {
    this.problems.push(`${path}: found ${show(found)}, expected ${expected}`);
  }

  fields(value: unknown, path: string, expected = 'an object'): Fields {
    if (isFields(value)) return value;
    this.refuse(path, value, expected);
    return {};
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.refuse(path, value, 'a list');
    return [];
  }

  integer(value: unknown, path: string, min: number, max: number, fallback?: number): number {
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.refuse(path, value, `an integer from ${min} to ${max}`);
    return fallback ?? min;
  }

  flag(value: unknown, path: string, fallback: boolean): boolean {
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.refuse(path, value, 'true or false');
    return fallback;
  }

  text(value: unknown, path: string, pattern: RegExp, expected: string, fallback?: string): string {
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.refuse(path, value, expected);
    return fallback ?? '';
  }

  durationMs(value: unknown, path: string, fallbackMs: number): number {
    if (value === undefined) return fallbackMs;
    const ms = typeof value === 'string' ? parseDuration(value) : null;
    if (ms !== null && ms > 0 && ms <= MAX_DURATION_MS) return ms;
    this.refuse(path, value, 'a duration such as 10s, 1m30s or 100ms, up to 24d');
    return fallbackMs;
  }
}

/** The longest that a timer can wait. */
const MAX_DURATION_MS = 24 * 86_400_000;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
