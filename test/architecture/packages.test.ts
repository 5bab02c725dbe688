// Versions are exact, the lock file names no address, each dependency is used; and the rules that say so can fail.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkLock, checkVersions, findUnused } from './packages.ts';
import { ROOT, readSources } from './source.ts';

const readText = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

describe('packages', () => {
  it.each(['^1.2.3', '~1.2.3', '1.2', 'latest', '>=1.0.0', 'git+https://example.com/a.git'])(
    'version %s is refused',
    (version) => {
      expect(checkVersions({ devDependencies: { a: version, b: '1.2.3', c: '2.0.0-rc.1' } })).toEqual([
        `a: ${version} is not one exact version`,
      ]);
    },
  );

  it('have exact versions', () => {
    expect(checkVersions(JSON.parse(readText('package.json')))).toEqual([]);
  });

  it('with an address in the lock file are refused', () => {
    const lock =
      '{ "a": { "resolved": "https://example.com/a.tgz" }, "b": { "resolved": "node_modules/b" } }';
    expect(checkLock(lock)).toEqual(['the lock file names an address: https://example.com/a.tgz']);
  });

  it('have no address in the lock file', () => {
    const lock = readText('package-lock.json');
    expect(lock).toContain('"integrity"');
    expect(checkLock(lock)).toEqual([]);
  });

  it('of the program that nothing imports are found', () => {
    expect(findUnused({ dependencies: { a: '1.0.0', b: '1.0.0' } }, ['a/x', 'bb'])).toEqual(['b']);
  });

  it('of the program are all imported by it', () => {
    const program = readSources().filter(({ path }) => /^(strategies|proxy|deploy|src)\//.test(path));
    const specifiers = program.flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
    expect(findUnused(JSON.parse(readText('package.json')), specifiers)).toEqual([]);
  });
});
