// Units, words and near names: the small readers below the schema.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findNearest } from '../../../src/spec/nearest.ts';
import { parseDuration, parseSize } from '../../../src/spec/units.ts';
import { splitWords } from '../../../src/spec/words.ts';
import { formatDuration } from '../../../strategies/describe.ts';

describe('durations', () => {
  test.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['100ms', 100],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['0', 0],
    ['0s', 0],
    ['1s500ms', 1500],
    ['', undefined],
    ['10', undefined],
    ['s', undefined],
    ['1 s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['1s ', undefined],
    ['0.0001s', undefined],
    ['99999999999999999h', undefined],
  ])('%j', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test('what the routing table says is read back', () => {
    fc.assert(fc.property(fc.nat(400_000_000), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['10', 10],
    ['10b', 10],
    ['1k', 1024],
    ['1kb', 1024],
    ['1KiB', 1024],
    ['256m', 268_435_456],
    ['1.5g', 1_610_612_736],
    ['1t', 1_099_511_627_776],
    ['', undefined],
    ['m', undefined],
    ['1p', undefined],
    ['-1m', undefined],
    ['1m1k', undefined],
  ])('%j', (text, bytes) => expect(parseSize(text)).toBe(bytes));
});

describe('words', () => {
  test.each([
    ['', []],
    ['  a  b ', ['a', 'b']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a'b'"c"d`, ['abcd']],
    [`'' ""`, ['', '']],
    [`a\\ b`, ['a b']],
    [`"a\\"b\\\\c\\d"`, ['a"b\\c\\d']],
    [`'a\\b'`, ['a\\b']],
    ['$HOME `x` #y', ['$HOME', '`x`', '#y']],
    ['a\\\nb', ['ab']],
    ['a\n b', ['a', 'b']],
    [`'a`, undefined],
    [`"a`, undefined],
    ['a\\', undefined],
  ])('%j', (text, words) => expect(splitWords(text)).toEqual(words));

  test('quoted words come back whole', () => {
    const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitWords(words.map(quote).join(' '))).toEqual(words);
      }),
    );
  });
});

describe('near names', () => {
  const known = ['replicas', 'routes', 'restart', 'max_surge', 'port'];
  test.each([
    ['replica', 'replicas'],
    ['replcias', 'replicas'],
    ['maxSurge', 'max_surge'],
    ['max-surge', 'max_surge'],
    ['prot', 'port'],
    ['ROUTES', 'routes'],
    ['zzzzzz', null],
    ['x', null],
  ])('%s', (name, nearest) => expect(findNearest(name, known)).toBe(nearest));
});
