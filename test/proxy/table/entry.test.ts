import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../proxy/table/duration.ts';
import { parseEntry } from '../../../proxy/table/entry.ts';

const GOOD = { routes: [{}], split: { 1: 100 }, targets: [{ revision: 1, address: '10.0.0.1:80' }] };

function problemsOf(value: unknown): readonly string[] {
  const parsed = parseEntry(value);
  return parsed.ok ? [] : parsed.problems;
}

describe('an entry', () => {
  it('is normalised, with every default', () => {
    const parsed = parseEntry({
      ...GOOD,
      routes: [{ host: 'Shop.Test', path: '/a/' }, { host: '*.b.c' }],
      split: { 2: 0, 1: 100 },
      later: 1,
    });
    expect(parsed).toMatchObject({
      ok: true,
      entry: {
        routes: [
          { host: 'shop.test', path: '/a' },
          { host: '*.b.c', path: '/' },
        ],
        split: [{ revision: 1, weight: 100 }],
        targets: [{ id: '1@10.0.0.1:80', revision: 1, host: '10.0.0.1', port: 80, isH2c: false }],
        ...{
          roles: { stable: null, candidate: null },
          coming: false,
          preview: null,
          match: null,
          mirror: null,
        },
        settings: {
          ...{
            timeoutMs: 30_000,
            idleTimeoutMs: 60_000,
            retries: 1,
            parkTimeoutMs: 30_000,
            parkMaxRequests: 1_000,
          },
          ...{ affinity: null, maxBodyBytes: null, headers: [] },
          ...{ ejection: { errors: 3, timeMs: 10_000 }, slowStartMs: 0, retryPercent: 20 },
          ...{ assets: [], maintenance: null },
        },
      },
    });
  });

  it.each([
    ['h2c', true],
    ['http/1.1', false],
    [undefined, false],
  ])('of a target that speaks %s', (protocol, isH2c) => {
    const parsed = parseEntry({ ...GOOD, targets: [{ ...GOOD.targets[0], protocol }] });
    expect(parsed).toMatchObject({ ok: true, entry: { targets: [{ isH2c }] } });
  });

  it('of a target that speaks what is not known is refused', () => {
    const problems = problemsOf({ ...GOOD, targets: [{ ...GOOD.targets[0], protocol: 'h3' }] });
    expect(problems).toEqual(['targets[0].protocol: found "h3", expected http/1.1 or h2c']);
  });

  it('tells all its problems at once, each with path, found and expected', () => {
    const problems = problemsOf({
      routes: [{ host: 'a b', path: 'x' }],
      split: { one: 50, 2: -1 },
      targets: [
        { revision: 0, address: 'nowhere' },
        { revision: 1, address: 'a:99999' },
      ],
      coming: 'yes',
      preview: { revision: 1 },
      match: { revision: 0, cookie: { name: 'a b', value: 'x;y' } },
      mirror: { revision: 1, percent: 101 },
      proxy: {
        timeout: '5 parsecs',
        retries: 1.5,
        park: [],
        max_body: -1,
        headers: { Connection: 'x', 'X-A': 'a\r\nb' },
        ejection: { errors: 0, time: 'soon' },
        slow_start: 30,
        assets: ['a', '/a'],
        maintenance: { message: 5, retry_after: 5, allow: ['/a', 'b'] },
        retry_budget: '20%',
      },
    });
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual(
      [
        ...[
          'coming',
          'preview',
          ...['match.cookie.name', 'match.cookie.value', 'match.revision', 'mirror.percent'],
          'proxy.headers.Connection',
          'proxy.headers.X-A',
          'proxy.max_body',
          'proxy.park',
        ],
        ...[
          ...['proxy.maintenance.allow[1]', 'proxy.maintenance.message'],
          'proxy.maintenance.retry_after',
          'proxy.assets[0]',
          'proxy.ejection.errors',
          'proxy.ejection.time',
          'proxy.retry_budget',
          'proxy.slow_start',
        ],
        ...['proxy.retries', 'proxy.timeout', 'routes[0].host', 'routes[0].path', 'split.2', 'split.one'],
        ...['targets[0].address', 'targets[0].revision', 'targets[1].address'],
      ].sort(),
    );
    expect(problems).toContain('coming: found "yes", expected true or false');
  });

  it.each([
    ['null', null, /entry: found null, expected an object/],
    ['text', 'x', /entry: found "x"/],
    ['without targets', { routes: [], split: {} }, /targets: found nothing, expected a list/],
    ['with weights that do not sum to 100', { ...GOOD, split: { 1: 90 } }, /weights that sum to 100, not 90/],
  ])('is refused: %s', (_name, value, problem) => {
    expect(problemsOf(value).join()).toMatch(problem);
  });
});

describe('a duration', () => {
  it.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['100ms', 100],
    ['1.5h', 5_400_000],
    ['0', 0],
    ['', null],
    ['10', null],
    ['s', null],
    ['10s ', null],
    ['-1s', null],
    ['10x', null],
  ])('%s is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});
