// The value of a weights key: `v1=90,v2=10`, or the same as JSON.
import type { Parsed } from '../../strategies/model.ts';
import { parseVersion } from './version.ts';

type Weights = Readonly<Record<string, number>>;
type Pairs = readonly (readonly [version: string, weight: unknown])[];

/** Integers of at least 0 that sum to 100, each version once. */
export function parseWeights(text: string): Parsed<Weights> {
  const pairs = readPairs(text.trim());
  if (typeof pairs === 'string') return { ok: false, problem: pairs };
  const weights = new Map<string, number>();
  for (const [name, weight] of pairs) {
    const version = parseVersion(name);
    if (!version.ok) return version;
    if (weights.has(name)) return { ok: false, problem: `found ${name} twice, expected each version once` };
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > 100) {
      return {
        ok: false,
        problem: `${name}: found ${JSON.stringify(weight)}, expected an integer from 0 to 100`,
      };
    }
    weights.set(name, weight);
  }
  const sum = [...weights.values()].reduce((a, b) => a + b, 0);
  if (sum !== 100) return { ok: false, problem: `the weights sum to ${sum}, expected 100` };
  return { ok: true, value: Object.fromEntries(weights) };
}

/** A text is what is wrong. */
function readPairs(text: string): Pairs | string {
  if (text === '') return 'found nothing, expected weights such as v1=90,v2=10';
  if (text.startsWith('{')) return readJson(text);
  return text.split(',').map((part) => {
    const at = part.lastIndexOf('=');
    const weight = part.slice(at + 1).trim();
    return [part.slice(0, Math.max(at, 0)).trim(), /^\d+$/.test(weight) ? Number(weight) : weight] as const;
  });
}

function readJson(text: string): Pairs | string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.entries(value) : 'expected a JSON map';
  } catch (error) {
    return `the JSON does not parse: ${error instanceof Error ? error.message : String(error)}`;
  }
}
