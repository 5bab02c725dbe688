import { describe, expect, it } from 'vitest';
import { findDeadline, measureProgress } from '../../strategies/progress.ts';
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
