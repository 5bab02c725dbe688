// A newer version in the bake, where the stable revision may have gone already: what serves goes on serving, and is what
// there is to return to.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, GOOD, MISSING, NEVER_READY, turnsSickAfter } from './behaviour.ts';
import { ending, endings, given, says, standing } from './scenario.ts';
import { blueGreen, canary, MINUTE, recreate, rolling, SECOND } from './spec.ts';
import type { SimWorld } from './world.ts';

function inBake(strategy: Parameters<typeof given>[0], replicas = 3): SimWorld {
  const world = given(strategy, { replicas });
  world.release('v2');
  world.runUntil(says('monitoring monitoring'));
  world.run(5 * SECOND);
  world.mark();
  return world;
}

const moves = (world: SimWorld) =>
  world
    .told()
    .map((line) => line.replace(/^\S+ /, ''))
    .filter((line) => /^(route|start|stop)/.test(line));

describe.each([recreate(), rolling()])(
  '$type: the old revision has gone when the bake begins',
  (strategy) => {
    it('nothing moves while the newer one is pulled', () => {
      const world = inBake(strategy);
      world.engine.pull('v3', { takesMs: 5 * MINUTE, failures: 0, failure: 'network' });
      world.release('v3');
      world.run(4 * MINUTE);
      expect([...new Set(moves(world))]).toEqual(['route r2 100']);
      expect(standing(world)).toBe('v2×3, route r2 100');
      world.settle();
      expect(endings(world)).toEqual(['v1 succeeded', 'v2 superseded superseded', 'v3 succeeded']);
      expect(standing(world)).toBe('v3×3, route r3 100');
    });

    it('one that does not exist stops nothing', () => {
      const world = inBake(strategy);
      world.engine.pull('v3', MISSING);
      world.release('v3');
      world.settle();
      expect(ending(world)).toBe('v3 rolled-back image-pull-failed');
      expect([...new Set(moves(world))]).toEqual(['route r2 100']);
    });

    it('one that is bad goes back to what baked; rollback goes on to the one before', () => {
      const world = inBake(strategy);
      world.engine.behave('v3', EXITS_AT_ONCE);
      world.release('v3');
      world.settle();
      expect(ending(world)).toBe('v3 rolled-back container-exited');
      expect(standing(world)).toBe('v2×3, route r2 100');
      expect(world.store.quarantined).toEqual(['sha256:v3']);
      world.command('rollback');
      world.settle();
      expect(standing(world)).toBe('v1×3, route r1 100');
    });

    it('abort of the newer one goes back to what baked', () => {
      const world = inBake(strategy);
      world.engine.behave('v3', NEVER_READY);
      world.release('v3');
      world.run(3 * SECOND);
      world.command('abort');
      world.settle();
      expect(ending(world)).toBe('v3 aborted aborted-by-operator');
      expect(standing(world)).toBe('v2×3, route r2 100');
    });

    it('the same version written again is there already', () => {
      const world = inBake(strategy);
      world.release('v2');
      world.settle();
      expect(endings(world).slice(1)).toEqual(['v2 superseded superseded', 'v2 succeeded']);
      expect([...new Set(moves(world))]).toEqual(['route r2 100']);
    });

    it('one that has failed in it is no place to return to', () => {
      const world = given({ ...strategy, failureAction: 'pause', monitorMs: 5 * MINUTE });
      world.engine.behave('v2', (start) => (start === 0 ? turnsSickAfter(MINUTE) : GOOD));
      world.release('v2');
      world.runUntil(says('paused paused-on-failure'));
      world.engine.pull('v3', MISSING);
      world.release('v3');
      world.settle();
      expect(endings(world).slice(1)).toEqual([
        'v2 superseded superseded',
        'v3 rolled-back image-pull-failed',
      ]);
      expect(standing(world)).toBe('v1×3, route r1 100');
    });
  },
);

describe.each([blueGreen(), canary({ steps: [] })])(
  '$type: the old revision stands through the bake',
  (strategy) => {
    it('and is what a bad newer one goes back to', () => {
      const world = inBake(strategy);
      world.engine.behave('v3', EXITS_AT_ONCE);
      world.release('v3');
      world.settle();
      expect(ending(world)).toBe('v3 rolled-back container-exited');
      expect(standing(world)).toBe('v1×3, route r1 100');
    });

    it('also when a new controller has not probed it yet', () => {
      const world = inBake(strategy);
      world.engine.behave('v3', EXITS_AT_ONCE);
      world.crash();
      world.release('v3');
      world.settle();
      expect(standing(world)).toBe('v1×3, route r1 100');
    });
  },
);

describe('recreate: before the bake', () => {
  it('what serves already goes on while the newer one is pulled', () => {
    const world = given(recreate());
    world.engine.behave('v2', (start) => (start === 0 ? GOOD : { ...GOOD, readyAfterMs: 20 * MINUTE }));
    world.release('v2');
    world.runUntil(({ store }) => store.route?.value.split[2] === 100);
    world.engine.pull('v3', { takesMs: MINUTE, failures: 0, failure: 'network' });
    world.release('v3');
    world.run(50 * SECOND);
    expect(standing(world)).toBe('v2×1, route r2 100');
    world.settle();
    expect(ending(world)).toBe('v3 succeeded');
  });
});
