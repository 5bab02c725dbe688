// Files and functions stay short, every file opens with what it owns, and the rules that say so can fail.
import { describe, expect, it } from 'vitest';
import { checkFile, checkFunctions, findFunctions } from './sizes.ts';
import { parseSource, readSources } from './source.ts';

const statements = (count: number): string => 'void 0;\n'.repeat(count);
const types = (count: number): string => 'export type A = 1;\n'.repeat(count);

describe('a file', () => {
  it('has at most 250 lines', () => {
    expect(checkFile(parseSource('src/a.ts', `// Owns.\n${statements(249)}`))).toEqual([]);
    expect(checkFile(parseSource('src/a.ts', `// Owns.\n${statements(250)}`))).toEqual([
      'src/a.ts: 251 lines, at most 250',
    ]);
  });

  it('of types alone has at most 500', () => {
    expect(checkFile(parseSource('src/a.ts', `// Owns.\n${types(499)}`))).toEqual([]);
    expect(checkFile(parseSource('src/a.ts', `// Owns.\n${types(500)}`))).toHaveLength(1);
    expect(checkFile(parseSource('src/a.ts', `// Owns.\n${types(300)}${statements(1)}`))).toHaveLength(1);
  });

  it('of tests has at most 400', () => {
    expect(checkFile(parseSource('test/a.test.ts', statements(400)))).toEqual([]);
    expect(checkFile(parseSource('test/a.test.ts', statements(401)))).toHaveLength(1);
  });

  it('opens with a comment', () => {
    const problem = ['src/a.ts: does not open with a comment'];
    expect(checkFile(parseSource('src/a.ts', 'const a = 1;\n// Late.\n'))).toEqual(problem);
    expect(checkFile(parseSource('src/a.ts', '//\n'))).toEqual(problem);
    expect(checkFile(parseSource('src/a.ts', '#!/usr/bin/env node\n// Owns.\n'))).toEqual([]);
  });

  it('keeps to both everywhere', () => {
    expect(readSources().flatMap(checkFile)).toEqual([]);
  });
});

describe('a function', () => {
  const lengthsOf = (text: string): number[] =>
    findFunctions(parseSource('src/a.ts', text)).map(({ lines }) => lines);

  it('is counted with its signature and its braces, whatever its kind', () => {
    expect(lengthsOf('function f(\n) {\n}')).toEqual([3]);
    expect(lengthsOf('const f = () => {\n};')).toEqual([2]);
    expect(lengthsOf('class A {\n m() {\n\n }\n}')).toEqual([3]);
    expect(lengthsOf('const f = () =>\n 1;')).toEqual([]);
  });

  it('has at most 60 lines', () => {
    const [small, large] = [60, 61].map((lines) => ({ path: 'src/a.ts', line: 3, lines }));
    const short = Array.from({ length: 20 }, () => ({ path: 'src/b.ts', line: 1, lines: 5 }));
    expect(checkFunctions([...short, small ?? fail()])).toEqual([]);
    expect(checkFunctions([...short, large ?? fail()])).toEqual([
      'src/a.ts:3: a function of 61 lines, at most 60',
    ]);
  });

  it('has 25 lines or fewer in nine of ten cases', () => {
    const sized = (lines: number, count: number) =>
      Array.from({ length: count }, (_, line) => ({ path: 'src/a.ts', line, lines }));
    expect(checkFunctions([...sized(25, 9), ...sized(26, 1)])).toEqual([]);
    expect(checkFunctions([...sized(25, 8), ...sized(26, 1)])).toEqual([
      'only 8 of 9 functions have 25 lines or fewer, nine in ten should',
    ]);
  });

  it('keeps to it in every layer and in the scripts', () => {
    const files = readSources();
    for (const layer of ['strategies', 'proxy', 'deploy', 'src', 'scripts', 'bench']) {
      const functions = files.filter(({ path }) => path.startsWith(`${layer}/`)).flatMap(findFunctions);
      expect(checkFunctions(functions)).toEqual([]);
    }
  });
});

function fail(): never {
  throw new Error('unreachable');
}
