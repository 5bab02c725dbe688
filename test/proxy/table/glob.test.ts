import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesAny, parseGlob } from '../../../proxy/table/glob.ts';

const matches = (glob: string, path: string): boolean => matchesAny([parseGlob(glob)], path);

describe('a pattern', () => {
  it.each([
    ['/up', '/up', true],
    ['/up', '/up/', false],
    ['/up', '/u', false],
    ['/assets/*', '/assets/', true],
    ['/assets/*', '/assets/a/b.css', true],
    ['/assets/*', '/assets', false],
    ['/assets/*', '/Assets/a', false],
    ['*.js', '/a/b.js', true],
    ['*.js', '/a/b.js.map', false],
    ['*.js', '/.jsx', false],
    ['*', '/anything', true],
    ['/a*b*c', '/a1b2b3c', true],
    ['/a*b*c', '/acb', false],
    ['/ab*ba', '/aba', false],
    ['/a*b*b', '/ab', false],
    ['/a**b', '/ab', true],
    ['/a.c', '/abc', false],
  ])('%s, %s: %s', (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected);
  });

  it('means what the regular expression of its parts means', () => {
    const word = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 });
    fc.assert(
      fc.property(word, word, (glob, path) => {
        const pattern = new RegExp(`^${glob.map((part) => (part === '*' ? '.*' : part)).join('')}$`);
        const text = path.filter((part) => part !== '*').join('');
        expect(matches(glob.join(''), text)).toBe(pattern.test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is one of several', () => {
    expect(matchesAny([parseGlob('/a'), parseGlob('*.js')], '/x.js')).toBe(true);
    expect(matchesAny([], '/')).toBe(false);
  });
});
