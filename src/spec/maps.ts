// Maps of texts in Compose's two forms: a map, or a list of `name=value`. Values are kept as they were written.
import * as z from 'zod';
import { addIssue } from './fields.ts';

interface TextMapRules {
  readonly expected: string;
  /** Of the list form; null when there is none. */
  readonly separator: '=' | ':' | null;
  /** Why a name is not taken, or null. */
  readonly refuse: (name: string) => string | null;
  /** What stands for a name without a value; absent: it is refused. */
  readonly empty?: string;
}

type Entry = readonly [key: string | number, name: string | null, value: unknown];

/** Sorted by name. A value is a text, a number, true or false. */
export function textMap(rules: TextMapRules) {
  return z.unknown().transform((raw, context): Readonly<Record<string, string>> => {
    const entries = readEntries(raw, rules.separator);
    if (entries === undefined) {
      addIssue(context, [], undefined, rules.expected);
      return z.NEVER;
    }
    const map = new Map<string, string>();
    for (const [key, name, value] of entries) {
      const problem = findProblem(name, value, rules);
      if (problem !== null) addIssue(context, [key], ...problem);
      else if (name !== null && map.has(name))
        addIssue(context, [key], `${name} once more`, 'each name once');
      else if (name !== null) map.set(name, String(value ?? rules.empty));
    }
    return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function findProblem(
  name: string | null,
  value: unknown,
  { separator, refuse, empty }: TextMapRules,
): readonly [found: string | undefined, expected: string] | null {
  if (name === null) return [undefined, `a text, name${separator}value`];
  if (name === '') return ['no name', 'a name before the value'];
  const refusal = refuse(name);
  if (refusal !== null) return [`the name ${JSON.stringify(name)}`, refusal];
  if (value === null) {
    return empty === undefined
      ? ['no value', "a value (none is taken from the daemon's own surroundings)"]
      : null;
  }
  const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return scalar ? null : [undefined, 'a text, a number, true or false'];
}

function readEntries(raw: unknown, separator: '=' | ':' | null): readonly Entry[] | undefined {
  if (Array.isArray(raw) && separator !== null) {
    return raw.map((item, index) => [index, ...splitEntry(item, separator)] as const);
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined;
  return Object.entries(raw).map(([name, value]) => [name, name, value] as const);
}

function splitEntry(item: unknown, separator: '=' | ':'): readonly [name: string | null, value: unknown] {
  if (typeof item !== 'string') return [null, item];
  const at = separator === ':' ? item.search(/[:=]/) : item.indexOf('=');
  return at < 0 ? [item, null] : [item.slice(0, at), item.slice(at + 1)];
}
