// The building blocks of the schema. Every zod message in it is the *expected* text; `issues` adds what was found.
import * as z from 'zod';
import type { Amount } from '../../strategies/spec.ts';
import { explainUnknownField } from './foreign.ts';
import { MAX_PROBLEMS } from './problem.ts';
import { parseAmount, parseDuration, parseSize } from './units.ts';
import { splitWords } from './words.ts';

/** What a reader returns for a value that it does not take; `found` replaces the plain description of the value. */
export class Refusal {
  readonly found: string | undefined;
  readonly expected: string | undefined;
  constructor(found?: string, expected?: string) {
    this.found = found;
    this.expected = expected;
  }
}

export const refused = new Refusal();

/** A field read by a plain function: any value in, a value or a refusal out. */
export function field<T>(expected: string, read: (raw: unknown) => T | Refusal) {
  return z.unknown().transform((raw, context): T => {
    const value = read(raw);
    if (!(value instanceof Refusal)) return value;
    addIssue(context, [], value.found, value.expected ?? expected);
    return z.NEVER;
  });
}

interface IssueContext {
  addIssue(issue: { code: 'custom'; path: (string | number)[]; message: string; params: object }): void;
}

/** Reports a problem at a path below the value that is being checked. */
export function addIssue(
  context: IssueContext,
  path: readonly (string | number)[],
  found: string | undefined,
  expected: string,
): void {
  context.addIssue({ code: 'custom', path: [...path], message: expected, params: { found } });
}

/** For `superRefine`: check across fields even when single fields are wrong, so that all problems come at once. */
export const always = {
  when: ({ value }: { readonly value: unknown }) => typeof value === 'object' && value !== null,
};

/** A map with exactly these fields; each unknown one is a problem of its own, with what may have been meant. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, MAX_PROBLEMS)
            .map((key: string) => explainUnknownField(key, known))
            .join('\n')
        : 'a map',
  });
}

export function list<Item extends z.core.SomeType>(item: Item) {
  return z.array(item, { error: 'a list' });
}

export function word<const Words extends readonly [string, ...string[]]>(...words: Words) {
  const expected = words.length === 1 ? words[0] : `one of ${words.join(', ')}`;
  return field<Words[number]>(expected, (raw) => words.find((each) => each === raw) ?? refused);
}

export function integer(min: number, max: number) {
  return field<number>(`an integer from ${min} to ${max}`, (raw) =>
    typeof raw === 'number' && Number.isInteger(raw) && raw >= min && raw <= max ? raw : refused,
  );
}

export const bool = field<boolean>('true or false', (raw) => (typeof raw === 'boolean' ? raw : refused));

export function text(expected: string, pattern: RegExp) {
  return field<string>(expected, (raw) => (typeof raw === 'string' && pattern.test(raw) ? raw : refused));
}

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Milliseconds. `min` and `max` are the least and the greatest accepted. */
export function duration(min = 0, max = 365 * DAY) {
  const least = min === 0 ? '' : min === 1 ? ' above zero' : ` of at least ${min}ms`;
  const expected = `a duration such as 10s or 1m30s${least}${max < 365 * DAY ? `, at most ${max / HOUR}h` : ''}`;
  return field<number>(expected, (raw) => {
    const ms = typeof raw === 'string' ? parseDuration(raw) : raw === 0 ? 0 : undefined;
    return ms !== undefined && ms >= min && ms <= max ? ms : refused;
  });
}

/** Bytes. */
export function size(min: number, least: string) {
  return field<number>(`a size such as 256m or 1g, ${least}`, (raw) => {
    const bytes =
      typeof raw === 'string' ? parseSize(raw) : Number.isSafeInteger(raw) ? Number(raw) : undefined;
    return bytes !== undefined && bytes >= min ? bytes : refused;
  });
}

export const amount = field<Amount>(
  'a number of replicas, or a percentage such as 25%',
  (raw) => parseAmount(raw) ?? refused,
);

/** A command: a list of words as it is, or one text that is split into words. */
export const command = field<readonly string[]>('a text or a list of texts', (raw) => {
  if (typeof raw === 'string') return splitWords(raw) ?? new Refusal('a text with an open quote');
  return Array.isArray(raw) && raw.every((each) => typeof each === 'string') ? raw : refused;
});
