// Durations as they stand in the table (`10s`, `1m30s`, `100ms`) to milliseconds. Knows no fields and no defaults.

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/** Milliseconds, or null when the text is not a duration. `0` needs no unit: `1m30s` → 90000. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  let total = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text);
    if (part === null) return null;
    total += Number(part[1]) * (UNITS[part[2] ?? ''] ?? Number.NaN);
  }
  return text.length > 0 && Number.isSafeInteger(Math.round(total)) ? Math.round(total) : null;
}
