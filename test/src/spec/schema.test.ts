// Every field of a spec: what is taken and what it becomes (`taken.yaml`), and what is refused, where (`refused.yaml`).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseSpec, type SpecResult } from '../../../src/spec/parse.ts';

interface Row {
  readonly rule: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly without?: readonly string[];
}
interface Taken extends Row {
  readonly at: string;
  readonly is?: unknown;
  readonly has?: object;
}
interface Refused extends Row {
  readonly problems: readonly string[];
}

function readTable<T extends Row>(name: string): readonly T[] {
  return parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

/** The spec as JSON, which is YAML. */
function parseRow({ spec, without = [] }: Row): SpecResult {
  const fields = { image: 'shop/web', port: 8080, ...spec };
  return parseSpec(
    JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([name]) => !without.includes(name)))),
  );
}

function lookUp(root: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((value, key) => (value instanceof Object ? Reflect.get(value, key) : undefined), root);
}

describe('what a field takes, and what it becomes', () => {
  test.each(readTable<Taken>('taken.yaml'))('$rule', (row) => {
    const result = parseRow(row);
    expect(result.ok ? [] : result.problems).toEqual([]);
    const actual = result.ok ? lookUp(result.spec, row.at) : undefined;
    if (row.has === undefined) expect(actual).toEqual(row.is);
    else expect(actual).toMatchObject(row.has);
  });

  test('every row says what it expects', () => {
    for (const row of readTable<Taken>('taken.yaml'))
      expect('is' in row || 'has' in row, row.rule).toBe(true);
  });
});

describe('what a field refuses', () => {
  test.each(readTable<Refused>('refused.yaml'))('$rule', (row) => {
    const result = parseRow(row);
    const messages = result.ok ? [] : result.problems.map((problem) => problem.message);
    expect(messages.map((message, index) => message.slice(0, row.problems[index]?.length ?? 0))).toEqual(
      row.problems,
    );
    expect(row.problems.length).toBeGreaterThan(0);
  });
});
