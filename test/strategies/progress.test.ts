import { describe, expect, it } from 'vitest';
import type { Overdue } from '../../strategies/model.ts';
import { findDeadline, findStrike, isOverdue, measureProgress, reprieve } from '../../strategies/progress.ts';
import type { World } from '../../strategies/world.ts';
import { rolling, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, world } from './fixture.ts';

const measure = (given: Given, of = rollout()) =>
  measureProgress(world({ memory: { rollout: of }, ...given }), of);

describe('measureProgress grows with', () => {
  const young = replica('web-r2-1', { readyForMs: 1 });
  const step = (index: number) => ({ index, startedAt: NOW, endsAt: null });
  it.each<readonly [string, number, number]>([
    ['a replica that is ready', measure({ replicas: [replica('web-r2-1')] }), measure({ replicas: [young] })],
    ['one that is available', measure({ replicas: [young] }), measure({ replicas: ready(2, 1) })],
    ['an old one that is gone', measure({ replicas: ready(1, 2) }), measure({ replicas: ready(1, 1) })],
    [
      'a step',
      measure({ replicas: ready(2, 3) }, rollout({ step: step(0) })),
      measure({}, rollout({ step: step(1) })),
    ],
    ['the promotion', measure({ replicas: ready(2, 3) }), measure({}, rollout({ promoted: true }))],
    [
      'the bake',
      measure({ replicas: ready(2, 9) }, rollout({ step: step(20) })),
      measure({}, rollout({ stage: 'monitoring' })),
    ],
    [
      'the way back',
      measure({ replicas: ready(2, 9) }, rollout({ stage: 'monitoring' })),
      measure({}, rollout({ stage: 'returning' })),
    ],
    [
      'what returns, on the way back',
      measure({ replicas: [replica('web-r1-1')] }, rollout({ stage: 'returning' })),
      measure({ replicas: ready(1, 1) }, rollout({ stage: 'returning' })),
    ],
  ])('%s', (_, before, after) => {
    expect(after).toBeGreaterThan(before);
  });

  it('not with one more that is not ready', () => {
    expect(measure({ replicas: [replica('web-r2-1')] })).toBe(measure({}));
  });
});

describe('findDeadline', () => {
  const pulling = { kind: 'pulling', progress: '', changedAt: NOW } as const;
  const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
  const images = { 'web-2-10': pulling };
  const at = (given: Parameters<typeof rollout>[0], more: Given = {}) => {
    const of = rollout({ deadline: NOW + 1000, ...given });
    return findDeadline(world({ ...more, memory: { ...more.memory, rollout: of } }), of) - NOW;
  };
  const draining = (shape: Parameters<typeof replica>[1], since: number): Given => {
    return { replicas: [replica('web-r1-1', shape)], memory: { draining: { 'web-r1-1': since } } };
  };
  it.each([
    ['as it stands', at({}), 1000],
    ['a pull that moved just now', at({ stage: 'resolving' }, { images }), 600_000],
    ['only while it is resolved', at({}, { images }), 1000],
    ['after the bake', at({ stage: 'monitoring', monitorUntil: NOW + 5000 }), 605_000],
    ['after requests and containers that may still end', at({}, draining({}, NOW - 1000)), 639_000],
    ['also of what is told to stop', at({}, draining({ stopping: true }, NOW - 1000)), 639_000],
    ['not of what failed', at({}, draining({ unhealthyForMs: 1 }, NOW - 1000)), 1000],
    ['not while it is resolved', at({ stage: 'resolving' }, draining({}, NOW - 1000)), 1000],
    ['never in a pause', at({ paused }), Number.POSITIVE_INFINITY],
    ['never while held by plan', at({ held: true }), Number.POSITIVE_INFINITY],
  ])('%s', (_, inMs, expected) => {
    expect(inMs).toBe(expected);
  });
});

describe('a deadline that has passed', () => {
  // The fixture's start period is 30 s, its `min_ready` 5 s: a while is 95 s.
  const of = rollout({ deadline: NOW - 1000 });
  const at = (watchedForMs: number, overdue: Partial<Overdue> | null = null) => {
    const whole = { deadline: of.deadline, watchedSince: NOW - watchedForMs, reprieves: 1 };
    const memory = { rollout: of, overdue: overdue === null ? null : { ...whole, ...overdue } };
    return world({ memory, watchedSince: NOW - watchedForMs });
  };

  it.each<readonly [string, World, number]>([
    ['counts at once when it was watched all the time', at(3_600_000), -1000],
    ['counts after a while when nobody could look', at(0), 95_000],
    ['counts after what is left of the while', at(90_000), 5000],
    ['is put off by three restarts', at(0, { watchedSince: 0, reprieves: 3 }), 95_000],
    ['and by no more', at(0, { watchedSince: 0, reprieves: 4 }), -1000],
    ['another deadline is put off anew', at(0, { deadline: 1, reprieves: 9 }), 95_000],
  ])('%s', (_, given, inMs) => {
    expect(findStrike(given, of) - NOW).toBe(inMs);
    expect(isOverdue(given, of)).toBe(inMs <= 0);
  });

  it('is put off by no more than its own length', () => {
    const strategy = rolling({ progressDeadlineMs: 20_000 });
    const given = world({ memory: { rollout: of }, watchedSince: NOW, spec: specOf(strategy) });
    expect(findStrike(given, of) - NOW).toBe(20_000);
  });

  it('remembers once in each watch that it was put off', () => {
    const before = { watchedSince: 5, reprieves: 2 };
    const overdue = { deadline: of.deadline, watchedSince: NOW, reprieves: 3 };
    expect(reprieve(at(0, before), of)?.memory.overdue).toEqual(overdue);
    expect(reprieve(at(0, overdue), of)).toBeNull();
  });
});

it('measureProgress: what is available counts for more than what is ready', () => {
  const young = (count: number) =>
    Array.from({ length: count }, (_, i) => replica(`web-r2-${i + 1}`, { readyForMs: 1 }));
  const memory = { rollout: rollout() };
  expect(measure({ memory, replicas: [...ready(2, 1)] })).toBeGreaterThan(
    measure({ memory, replicas: young(3) }),
  );
  expect(measure({ memory, replicas: ready(2, 2) })).toBeGreaterThan(
    measure({ memory, replicas: ready(2, 1) }) + 900,
  );
});
