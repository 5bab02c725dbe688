// Strategies see no clock, no chance and no world; importing a module does nothing; and both rules can fail.
import { describe, expect, it } from 'vitest';
import { checkImportTime, checkPurity, PROGRAMS } from './purity.ts';
import { parseSource, readSources } from './source.ts';

const IMPURE = [
  ['the clock', 'const a = Date.now();', 'Date.now'],
  ['the clock as a date', 'const a = new Date();', 'new Date()'],
  ['the clock as text', 'const a = Date();', 'Date()'],
  ['chance', 'const a = Math.random();', 'Math.random'],
  ['the monotonic clock', 'const a = () => performance.now();', 'performance'],
  ['the environment', 'const a = process.env.A;', 'process'],
  ['a timer', 'function f() { setTimeout(f, 1); }', 'setTimeout'],
  ['a timer by another name', 'const { later = setInterval } = {};', 'setInterval'],
  ['the console', 'function f() { console.log(1); }', 'console'],
  ['the network', 'const f = () => fetch("x");', 'fetch'],
  ['the way around', 'const a = globalThis["Date"];', 'globalThis'],
] as const;

const PURE = [
  ['a date made from a given time', 'const a = new Date(0).toISOString();'],
  ['arithmetic', 'const a = Math.max(1, 2);'],
  ['a property of that name', 'const a = { process: 1 }; const b = a.process;'],
  ['a field of that name', 'interface A { readonly process: number }'],
] as const;

describe('strategies', () => {
  it.each(IMPURE)('must not touch %s', (_what, text, name) => {
    expect(checkPurity(parseSource('strategies/a.ts', text))).toEqual([
      `strategies/a.ts:1: ${name} is not for strategies`,
    ]);
  });

  it.each(PURE)('may use %s', (_what, text) => {
    expect(checkPurity(parseSource('strategies/a.ts', text))).toEqual([]);
  });

  it('touch nothing of it', () => {
    const files = readSources().filter(({ path }) => path.startsWith('strategies/'));
    expect(files.length).toBeGreaterThan(1);
    expect(files.flatMap(checkPurity)).toEqual([]);
  });
});

describe('importing a module', () => {
  it.each([
    ['a call', 'start();'],
    ['an await', 'const a = await load();'],
    ['an exported await', 'export const a = await load();'],
    ['a branch', 'if (a) b();'],
  ])('must not run %s', (_what, text) => {
    expect(checkImportTime(parseSource('src/a.ts', text))).toEqual([
      'src/a.ts:1: something happens at import time',
    ]);
  });

  it('may declare', () => {
    const text = `import a from 'a';\nexport const b = async () => { await a; };\nexport class C {}\ntype D = 1;`;
    expect(checkImportTime(parseSource('src/a.ts', text))).toEqual([]);
  });

  it('does nothing in any layer, programs aside', () => {
    const files = readSources().filter(({ path }) => /^(strategies|proxy|deploy|src)\//.test(path));
    expect(files.filter(({ path }) => !PROGRAMS.test(path)).flatMap(checkImportTime)).toEqual([]);
  });
});
