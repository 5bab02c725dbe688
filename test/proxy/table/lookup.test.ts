import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHost } from '../../../proxy/clients/host.ts';
import { Lookup } from '../../../proxy/table/lookup.ts';

function lookupOf(routes: readonly string[]): Lookup<string> {
  const lookup = new Lookup<string>();
  for (const route of routes) {
    const slash = route.indexOf('/');
    lookup.add(route.slice(0, slash), route.slice(slash), route);
  }
  return lookup;
}

describe('a route is found', () => {
  const lookup = lookupOf([
    ...[
      '*/',
      '*/api',
      'shop.test/',
      'shop.test/api',
      'shop.test/api/v2',
      '*.test/',
      '*.eu.test/',
      'only.test/x',
    ],
  ]);

  it.each([
    ['by its exact host before any wildcard', 'shop.test', '/', 'shop.test/'],
    ['by the longest prefix', 'shop.test', '/api/v2/users', 'shop.test/api/v2'],
    ['on whole segments only', 'shop.test', '/apiary', 'shop.test/'],
    ['at the prefix itself', 'shop.test', '/api', 'shop.test/api'],
    ['below a prefix with a slash at its end', 'shop.test', '/api/', 'shop.test/api'],
    ['by a wildcard for one label', 'a.test', '/', '*.test/'],
    ['by a wildcard for several labels', 'a.b.test', '/', '*.test/'],
    ['by the longest wildcard', 'a.eu.test', '/', '*.eu.test/'],
    ['but a wildcard is not its own domain', 'test', '/', '*/'],
    ['in the next host when no path of this one matches', 'only.test', '/y', '*.test/'],
    ['for any host', 'other.example', '/api/x', '*/api'],
    ['for a request without a host', '', '/', '*/'],
  ])('%s', (_name, host, path, expected) => {
    expect(lookup.find(host, path)).toBe(expected);
  });

  it('as a slow search over all routes would find it', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
    const path = fc.array(label, { maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
    const pattern = fc.oneof(
      host,
      host.map((name) => `*.${name}`),
      fc.constant('*'),
    );
    const routes = fc.array(
      fc.tuple(pattern, path).map((parts) => parts.join('')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(routes, host, path, (all, name, asked) => {
        expect(lookupOf(all).find(name, asked)).toBe(searchSlowly(all, name, asked));
      }),
      { numRuns: 500 },
    );
  });
});

function searchSlowly(routes: readonly string[], host: string, path: string): string | null {
  const matching = routes.filter((route) => {
    const slash = route.indexOf('/');
    const [pattern, prefix] = [route.slice(0, slash), route.slice(slash)];
    const hostMatches =
      pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
    return hostMatches && (prefix === '/' || path === prefix || path.startsWith(`${prefix}/`));
  });
  const rank = (route: string): number => {
    const slash = route.indexOf('/');
    const pattern = route.slice(0, slash);
    const hostRank = pattern === '*' ? 0 : pattern.startsWith('*.') ? pattern.length : 10_000;
    return hostRank * 1_000 + (route.length - slash);
  };
  return matching.reduce<string | null>(
    (best, route) => (best === null || rank(route) > rank(best) ? route : best),
    null,
  );
}

describe('a host is read', () => {
  it.each([
    ['Shop.Test:8080', 'shop.test'],
    ['shop.test.', 'shop.test'],
    ['[::1]:80', '[::1]'],
    ['[::1]', '[::1]'],
    ['10.0.0.1', '10.0.0.1'],
    ['', ''],
    ['a b', null],
    ['a/b', null],
    ['a:b', null],
    ['a:123456', null],
    [':80', null],
    ['[::1', null],
    ['a]', null],
    ['a'.repeat(256), null],
  ])('%s → %s', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });
});

describe('a copy', () => {
  it('changes without the one that it was made of', () => {
    const first = new Lookup<string>();
    for (const host of ['a.test', '*.test', '*']) first.add(host, '/', `first ${host}`);
    const second = new Lookup(first);
    for (const host of ['a.test', '*.test', '*']) {
      second.remove(host, '/', `first ${host}`);
      second.add(host, '/deep/er', `second ${host}`);
    }
    for (const [host, asked] of [
      ['a.test', 'a.test'],
      ['*.test', 'b.test'],
      ['*', 'other'],
    ] as const) {
      expect(first.find(asked, '/deep/er')).toBe(`first ${host}`);
      expect(second.find(asked, '/deep/er')).toBe(`second ${host}`);
      expect(second.find(asked, '/')).toBeNull();
    }
  });

  it('lets nobody take away what belongs to another', () => {
    const lookup = new Lookup<string>();
    lookup.add('a.test', '/', 'owner');
    lookup.remove('a.test', '/', 'other');
    expect(lookup.ownerOf('a.test', '/')).toBe('owner');
  });
});
