import { describe, expect, it } from 'vitest';
import { Group } from '../../../proxy/table/group.ts';
import { Target } from '../../../proxy/table/target.ts';

const SLOW_MS = 60_000;

function targetOf(address: string, slowStartMs = 0): Target {
  return new Target(
    { id: `1@${address}`, revision: 1, host: '127.0.0.1', port: 1, isH2c: false },
    slowStartMs,
    () => undefined,
  );
}

/** How often each is next, at a part of the slow start of those that are cold. */
function share(targets: readonly Target[], part: number, count = 1_200): readonly number[] {
  const warmAt = Math.max(...targets.map((target) => target.warmAt));
  const now = warmAt - (1 - part) * SLOW_MS;
  const group = new Group(1, targets, undefined);
  const picks = Array.from({ length: count }, () => group.next(null, now, 'well'));
  return targets.map((target) => picks.filter((pick) => pick === target).length);
}

describe('a target that starts slowly', () => {
  it.each([
    [0, [600, 600, 0]],
    [0.1, [571, 572, 57]],
    [0.5, [480, 480, 240]],
    [1, [400, 400, 400]],
  ])('gets a share that grows with its time: at %s of it', (part, shares) => {
    const targets = [targetOf('a'), targetOf('b'), targetOf('c', SLOW_MS)];
    for (const [index, count] of share(targets, part).entries())
      expect(Math.abs(count - (shares[index] ?? 0))).toBeLessThanOrEqual(2);
  });

  it('shares fully with those that start beside it, where no other is there', () => {
    expect(share([targetOf('a', SLOW_MS), targetOf('b', SLOW_MS)], 0.1, 100)).toEqual([50, 50]);
  });

  it('is passed by while it is busier than the others', () => {
    const cold = targetOf('c', SLOW_MS);
    cold.claim();
    expect(share([targetOf('a'), cold], 0.9, 100)).toEqual([100, 0]);
  });

  it('serves all the same when the others have failed the request, or are set aside', () => {
    const [warm, cold] = [targetOf('a'), targetOf('c', SLOW_MS)];
    const group = new Group(1, [warm, cold], undefined);
    const now = cold.warmAt - SLOW_MS / 2;
    expect(group.next(new Set([warm]), now, 'well')).toBe(cold);
    warm.health.setAside(now);
    expect(group.next(null, now, 'well')).toBe(cold);
  });
});

describe('what is left of a revision', () => {
  it('is asked in this order: well, doubtful, ejected', () => {
    const [well, doubtful, ejected] = [targetOf('a'), targetOf('b'), targetOf('c')];
    doubtful.health.setAside(0);
    ejected.health.eject(60_000);
    const group = new Group(1, [ejected, doubtful, well], undefined);
    expect(group.next(null, 0, 'well')).toBe(well);
    expect(group.next(new Set([well]), 0, 'well')).toBeNull();
    expect(group.next(new Set([well]), 0, 'doubtful')).toBe(doubtful);
    expect(group.next(new Set([well, doubtful]), 0, 'doubtful')).toBeNull();
    expect(group.next(new Set([well, doubtful]), 0, 'any')).toBe(ejected);
    ejected.health.reset();
  });
});
