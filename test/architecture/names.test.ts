// Files and functions are named for what they are, and the rules that say so can fail.
import { describe, expect, it } from 'vitest';
import { checkNames, checkPath } from './names.ts';
import { listFiles, parseSource, readSources } from './source.ts';

describe('a path', () => {
  it.each([
    ['src/etcdStore.ts', 'src/etcdStore.ts: etcdStore is not kebab-case'],
    ['src/Store/a.ts', 'src/Store/a.ts: Store is not kebab-case'],
    ['src/utils/a.ts', 'src/utils/a.ts: utils says nothing of what is in it'],
    ['test/helpers.ts', 'test/helpers.ts: helpers says nothing of what is in it'],
    ['proxy/index.ts', 'proxy/index.ts: an index file is a barrel, or soon will be'],
  ])('%s is refused', (path, problem) => {
    expect(checkPath(path)).toEqual([problem]);
  });

  it.each(['src/store/etcd-lease.ts', 'test/src/app.test.ts', 'scripts/bootstrap.sh'])(
    '%s is allowed',
    (path) => {
      expect(checkPath(path)).toEqual([]);
    },
  );

  it('is a good one everywhere', () => {
    const folders = ['strategies', 'proxy', 'deploy', 'src', 'test', 'scripts', 'bench'];
    expect(folders.flatMap(listFiles).flatMap(checkPath)).toEqual([]);
  });
});

describe('a name', () => {
  it.each([
    ['function handleRequest() {}', 'handleRequest'],
    ['function process() {}', 'process'],
    ['class ProxyManager {}', 'ProxyManager'],
    ['export interface StoreImpl {}', 'StoreImpl'],
  ])('in `%s` is refused', (text, name) => {
    expect(checkNames(parseSource('src/a.ts', text))).toEqual([
      `src/a.ts:1: ${name} does not say what it does`,
    ]);
  });

  it('is allowed when it says what it does', () => {
    const text = 'function answerRequest() {}\nclass Handler {}\nfunction processes() {}';
    expect(checkNames(parseSource('src/a.ts', text))).toEqual([]);
  });

  it('is not passed on by a barrel', () => {
    const text = `export * from './b.ts';\nexport { c } from './c.ts';`;
    expect(checkNames(parseSource('src/a.ts', text))).toEqual([
      'src/a.ts: a barrel; import from where the thing is',
    ]);
    expect(checkNames(parseSource('src/a.ts', `${text}\nexport const d = 1;`))).toEqual([]);
  });

  it('is a good one everywhere', () => {
    expect(readSources().flatMap(checkNames)).toEqual([]);
  });
});
