// Texts with units, as Compose writes them: durations, sizes, percentages, status ranges. Pure; undefined means "not one".
import type { Amount, StatusRange } from '../../strategies/spec.ts';

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4 };

/** `10s`, `1m30s`, `100ms`, `1.5h` → milliseconds, whole ones only. A bare `0` is a duration; other bare numbers are not. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * (DURATION_UNITS[unit ?? ''] ?? Number.NaN);
  }
  const rounded = Math.round(total);
  return Math.abs(total - rounded) < 1e-6 && Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** `256m`, `1g`, `1.5gb`, `65536` → bytes; units are powers of 1024, as in Docker. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgt])?(?:i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Math.floor(Number(match[1]) * 1024 ** (SIZE_UNITS[(match[2] ?? 'b').toLowerCase()] ?? 0));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `2` → a count, `25%` → a share; 0 to 100 percent. */
export function parseAmount(raw: unknown): Amount | undefined {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) && raw >= 0 ? { count: raw } : undefined;
  if (typeof raw !== 'string') return undefined;
  const match = /^(\d{1,9})(%?)$/.exec(raw);
  if (match === null) return undefined;
  const value = Number(match[1]);
  if (match[2] === '') return { count: value };
  return value <= 100 ? { percent: value } : undefined;
}

/** `200`, `200-299`, `200-299,404`, or a list of those. */
export function parseStatusRanges(raw: unknown): readonly StatusRange[] | undefined {
  const parts = Array.isArray(raw) ? raw : typeof raw === 'string' ? raw.split(',') : [raw];
  const ranges = parts.map(parseStatusRange);
  return ranges.length > 0 && ranges.every((range) => range !== undefined) ? ranges : undefined;
}

function parseStatusRange(raw: unknown): StatusRange | undefined {
  if (typeof raw !== 'number' && typeof raw !== 'string') return undefined;
  const match = /^\s*(\d{3})(?:\s*-\s*(\d{3}))?\s*$/.exec(String(raw));
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 100 && from <= to && to <= 599 ? { from, to } : undefined;
}
