// The examples are valid, one per strategy, and say what they are called.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSpecFile } from '../../../src/spec/file.ts';
import { formatProblems } from '../../../src/spec/problem.ts';

const FOLDER = new URL('../../../examples/', import.meta.url);
const STRATEGIES = ['recreate', 'rolling', 'blue-green', 'canary'];

describe('examples', () => {
  test.each(STRATEGIES)('%s.yaml is a valid spec of that strategy', (type) => {
    const result = parseSpecFile(readFileSync(new URL(`${type}.yaml`, FOLDER), 'utf8'), `${type}.yaml`);
    expect(result.ok ? [] : formatProblems(result.problems, type)).toEqual([]);
    expect(result.ok && result.specs.map(({ spec }) => spec.strategy.type)).toEqual([type]);
    expect(
      result.ok && result.specs.every(({ spec }) => spec.image.startsWith('registry.example.com/')),
    ).toBe(true);
  });

  test('the request that blue-green.yaml shows is one for its preview', () => {
    const text = readFileSync(new URL('blue-green.yaml', FOLDER), 'utf8');
    const result = parseSpecFile(text, 'blue-green.yaml');
    const strategy = result.ok ? result.specs[0]?.spec.strategy : null;
    const preview = strategy?.type === 'blue-green' ? strategy.preview : null;
    const requests = text.matchAll(/^#.* -H '(\S+): ([^']*)' -H '(\S+): ([^']*)' http/gm);
    const shown = [...requests].map(([, one, is, other, isToo]) => [
      one?.toLowerCase(),
      is,
      other?.toLowerCase(),
      isToo,
    ]);
    expect(shown).toEqual([['host', preview?.host, preview?.header?.name, preview?.header?.value]]);
  });

  test('every spec among them is one of these', () => {
    const specs = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
    expect(specs.sort()).toEqual(STRATEGIES.map((type) => `${type}.yaml`).sort());
  });
});
