import { describe, expect, it } from 'vitest';
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import {
  countOf,
  describeAction,
  describePlan,
  describeRoute,
  describeStep,
  formatDuration,
  formatRoughly,
} from '../../strategies/describe.ts';
import type { Plan } from '../../strategies/model.ts';
import { entry, NOW, ready, revision } from './fixture.ts';

describe('describeRoute: what a revision gets besides a weight', () => {
  const table = entry({ 3: 100 }, []);
  const match = { revision: 4, cookie: { name: 'a', value: 'b' } };
  const mirror = { revision: 4, percent: 5 };
  it.each([
    [{ match, mirror: null }, 'route r3 100, match r4'],
    [{ match: null, mirror }, 'route r3 100, mirror r4 5'],
    [{ match, mirror }, 'route r3 100, match r4, mirror r4 5'],
  ])('%#', (offer, text) => {
    expect(describeRoute({ ...table, ...offer })).toBe(text);
  });
});

describe('formatDuration: the form that the spec takes', () => {
  it.each([
    [0, '0ms'],
    [250, '250ms'],
    [1000, '1s'],
    [1500, '1s500ms'],
    [90_000, '1m30s'],
    [3_600_000, '1h'],
    [90_061_001, '25h1m1s1ms'],
  ])('%i → %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatRoughly: for sentences', () => {
  it.each([
    [-5, '0 seconds'],
    [1, '1 second'],
    [89_000, '89 seconds'],
    [90_000, '2 minutes'],
    [3_480_000, '58 minutes'],
    [5_400_000, '2 hours'],
    [86_400_000, '24 hours'],
  ])('%i → %s', (ms, text) => {
    expect(formatRoughly(ms)).toBe(text);
  });
});

describe('countOf', () => {
  it.each([
    [0, '0 replicas'],
    [1, '1 replica'],
    [2, '2 replicas'],
  ])('%i', (count, text) => {
    expect(countOf(count, 'replica')).toBe(text);
  });
});

describe('one line each', () => {
  it.each([
    [null, 'route gone'],
    [entry({ 1: 100 }, ready(1, 1)), 'route r1 100'],
    [entry({ 1: 90, 2: 10 }, []), 'route r1 90 r2 10'],
    [entry({}, []), 'route none'],
    [{ ...entry({}, []), coming: true }, 'route none, park'],
  ])('a table: %#', (route, text) => {
    expect(describeRoute(route)).toBe(text);
  });

  it.each([
    [{ kind: 'weight', weight: 10, replicas: null }, 'weight 10'],
    [{ kind: 'pause', durationMs: 90_000 }, 'pause 1m30s'],
    [{ kind: 'pause-manual' }, 'pause manual'],
    [
      { kind: 'weight', weight: 0, replicas: null, match: { cookie: { name: 'a', value: 'b' } } },
      'match a=b',
    ],
    [
      { kind: 'weight', weight: 5, replicas: null, match: { header: { name: 'x', value: 'y' } }, mirror: 10 },
      'weight 5, match x: y, mirror 10',
    ],
    [{ kind: 'weight', weight: 0, replicas: null, mirror: 0 }, 'weight 0'],
  ] as const)('a step: %j', (step, text) => {
    expect(describeStep(step)).toBe(text);
  });

  it.each([
    [{ kind: 'start', name: 'web-r2-1', revision: revision(2), ordinal: 1 }, 'start web-r2-1'],
    [{ kind: 'stop', name: 'web-r1-1', id: 'c', graceMs: 10 }, 'stop web-r1-1'],
    [{ kind: 'remove', name: 'web-r1-1', id: 'c' }, 'remove web-r1-1'],
    [
      {
        kind: 'resolve-image',
        id: 'web-2-1',
        image: 'shop/web',
        version: 'v2',
        policy: 'missing',
        networks: [],
      },
      'resolve shop/web:v2',
    ],
  ] as const)('an action: %#', (action, text) => {
    expect(describeAction(action)).toBe(text);
  });
});

describe('describePlan: the writes first, as they are carried out', () => {
  const nothing: Plan = {
    memory: EMPTY_MEMORY,
    writes: {},
    actions: [],
    report: {
      phase: 'idle',
      reason: null,
      message: '',
      next: null,
      stable: null,
      candidate: null,
      step: null,
    },
    wakeAt: null,
  };

  it('nothing to do is no line', () => {
    expect(describePlan(nothing, NOW)).toEqual([]);
  });

  it('everything at once', () => {
    const plan: Plan = {
      ...nothing,
      writes: {
        route: null,
        quarantine: { digest: 'sha256:v2', reason: 'probe-failed', rollout: 'web-2-1', message: '' },
      },
      actions: [{ kind: 'remove', name: 'web-r2-1', id: 'c' }],
      wakeAt: NOW + 10_000,
    };
    expect(describePlan(plan, NOW)).toEqual([
      'route gone',
      'quarantine sha256:v2',
      'remove web-r2-1',
      'wake +10s',
    ]);
  });
});
