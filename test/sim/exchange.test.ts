// Rolling: delays between batches, and what a budget lets stand and leaves serving, on the way out and back.
import { describe, expect, it } from 'vitest';
import { NEVER_READY } from './behaviour.ts';
import { ending, given, saying, standing, weighs, weightOf } from './scenario.ts';
import { MINUTE, rolling, SECOND } from './spec.ts';
import type { SimWorld } from './world.ts';

describe('rolling', () => {
  it('delay: so long between batches, and the deadline does not run meanwhile', () => {
    const world = given(rolling({ delayMs: 20 * MINUTE }));
    world.release('v2');
    world.runUntil(weighs(2, 33));
    world.run(5 * SECOND);
    expect(saying(world)).toBe('progressing delay');
    world.run(19 * MINUTE);
    expect(weightOf(world, 2)).toBe(33);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('a new controller does not begin the delay again', () => {
    const world = given(rolling({ delayMs: 20 * MINUTE }));
    world.release('v2');
    world.runUntil(weighs(2, 33));
    for (let i = 0; i < 4; i += 1) {
      world.run(6 * MINUTE);
      world.crash();
    }
    world.run(MINUTE);
    expect(weightOf(world, 2)).toBe(67);
  });

  it('a batch that never gets ready is no delay: the deadline ends it', () => {
    const world = given(rolling({ delayMs: MINUTE, progressDeadlineMs: 30 * SECOND }));
    world.engine.behave('v2', NEVER_READY);
    world.release('v2');
    world.run(MINUTE);
    expect(ending(world)).toBe('v2 rolled-back progress-deadline');
  });

  it.each([
    ['25 % and 25 % of 4', { surge: { percent: 25 }, unavailable: { percent: 25 } }, 4, 5, 3],
    ['100 % and 0', { surge: { percent: 100 }, unavailable: { count: 0 } }, 3, 6, 3],
    ['0 and 50 % of 3', { surge: { count: 0 }, unavailable: { percent: 50 } }, 3, 3, 2],
    ['2 and 1 of 3', { surge: { count: 2 }, unavailable: { count: 1 } }, 3, 5, 2],
  ] as const)(
    'surge and unavailable %s bound what stands and what serves',
    (_, budget, replicas, most, least) => {
      const world = given(rolling(budget), { replicas });
      const seen = watch(world, () => world.release('v2'));
      expect(seen).toEqual({ most, least });
      expect(ending(world)).toBe('v2 succeeded');
    },
  );

  it.each([
    ['start-first, 2 at a time', { parallelism: 2, order: 'start-first' }, 6, 4],
    ['stop-first, 2 at a time', { parallelism: 2, order: 'stop-first' }, 4, 2],
    ['all at once', { parallelism: 0, order: 'start-first' }, 8, 4],
  ] as const)('the way back by rollback goes %s', (_, rollback, most, least) => {
    const world = given(rolling(), { replicas: 4, rollback });
    world.release('v2');
    world.settle();
    const seen = watch(world, () => world.command('rollback'));
    expect(seen).toEqual({ most, least });
    expect(standing(world)).toBe('v1×4, route r1 100');
  });
});

/** The most containers that stood and the fewest targets that served until the rollout has ended. */
function watch(world: SimWorld, begin: () => void): { readonly most: number; readonly least: number } {
  begin();
  let [most, least] = [0, Number.POSITIVE_INFINITY];
  world.runUntil((w) => {
    most = Math.max(most, w.engine.containers.size);
    least = Math.min(least, w.store.route?.value.targets.length ?? 0);
    return w.store.memory.rollout?.stage === 'monitoring' || w.isAtRest();
  });
  world.settle();
  return { most, least };
}
