// The controller dies after any prefix of any batch, in every pass of a rollout, and whoever takes over ends it: no
// duplicate, no orphan, no lost request. What only a dying controller brings about stands here, too.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, GOOD } from './behaviour.ts';
import { ending, given, isIdle, standing, weighs } from './scenario.ts';
import { canary, HOUR, MINUTE, rolling, SECOND, STRATEGIES, specOf } from './spec.ts';

const steps = [
  { kind: 'weight', weight: 34, replicas: null },
  { kind: 'pause', durationMs: 10 * SECOND },
] as const;

const HOLD = { kind: 'pause', durationMs: 10 * SECOND } as const;
const ONE = { kind: 'weight', weight: 10, replicas: { count: 1 } } as const;

describe.each([...STRATEGIES.filter(({ type }) => type !== 'canary'), canary({ steps })])(
  '$type',
  (strategy) => {
    it.each([0, 1, 2, 3])(
      'dying after %i actions of every batch that has as many, the rollout still ends',
      (after) => {
        const world = given(strategy);
        let deaths = 0;
        world.dies = (actions) => {
          if (actions < Math.max(1, after) || deaths >= 6) return null;
          deaths += 1;
          return after;
        };
        world.release('v2');
        world.settle();
        world.run(HOUR);
        expect(ending(world)).toBe('v2 succeeded');
        expect(standing(world)).toBe('v2×3, route r2 100');
        if (after < 2) expect(deaths).toBe(6);
      },
    );

    it.each([200, 700, 3000, 7000])('dying every %i ms, a bad version is still rolled back', (everyMs) => {
      const world = given(strategy);
      world.engine.behave('v2', EXITS_AT_ONCE);
      world.release('v2');
      for (let i = 0; i < 60 && (i === 0 || !isIdle(world)); i += 1) {
        world.run(everyMs);
        world.crash();
      }
      world.settle();
      expect(ending(world)).toBe('v2 rolled-back container-exited');
      world.run(HOUR);
      expect(standing(world)).toBe('v1×3, route r1 100');
    });

    it('a container that was created and never started is taken up', () => {
      const world = given(strategy);
      const [revision] = world.store.revisions;
      if (revision === undefined) throw new Error('v1 has no revision');
      world.engine.removeByHand('web-r1-2');
      world.engine.create('web-r1-2', revision, 2);
      world.crash();
      world.run(MINUTE);
      expect(standing(world)).toBe('v1×3, route r1 100');
    });

    it('one that was created and is not wanted is removed without being started', () => {
      const world = given(strategy);
      const [revision] = world.store.revisions;
      if (revision === undefined) throw new Error('v1 has no revision');
      world.engine.create('web-r1-4', revision, 4);
      world.crash();
      world.run(MINUTE);
      expect(world.told().slice(1)).toEqual(['+0.0s remove web-r1-4']);
    });
  },
);

describe('a stop that is under way when the controller dies', () => {
  it('is not the failure of the candidate it stops', () => {
    const world = given(canary({ steps: [...steps, ONE, HOLD] }));
    world.release('v2');
    world.runUntil(weighs(2, 34));
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, drainsAfterMs: 0 };
    expect(world.engine.containers.has('web-r2-2')).toBe(true);
    world.runUntil(({ engine }) => engine.containers.get('web-r2-2')?.isStopping === true);
    world.crash();
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('is not taken back, although the one that goes is wanted again', () => {
    const world = given(rolling());
    world.engine.traits = { ...world.engine.traits, stopsAfterMs: 9 * SECOND };
    world.release('v2');
    world.runUntil(({ engine }) => engine.containers.get('web-r1-3')?.isStopping === true);
    world.crash();
    world.command('abort');
    world.run(SECOND);
    expect(world.store.memory.dismissed).toEqual(['web-r1-3']);
    expect(world.store.route?.value.targets.map((t) => t.revision)).toEqual([1, 1, 2]);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });
});

describe('the engine is restarted with the controller', () => {
  it('nothing goes to what still starts, although the table names it', () => {
    const world = given(rolling());
    world.engine.behave('v2', { ...GOOD, readyAfterMs: 20 * SECOND });
    world.release('v2');
    world.settle();
    world.run(HOUR);
    world.engine.reboot();
    world.crash();
    world.run(SECOND);
    expect(standing(world)).toBe('v2×3, route none, park');
    world.settle();
    expect(standing(world)).toBe('v2×3, route r2 100');
    expect(world.engine.started.filter((name) => name.startsWith('web-r2'))).toHaveLength(3);
  });
});

describe('without a port', () => {
  it('a version that waits for a new controller is gated by what runs', () => {
    const world = given(canary(), { settings: { ...specOf(canary()).settings, port: null } });
    world.crash();
    world.release('v2');
    world.run(MINUTE);
    expect(standing(world)).toBe('v1×3, v2×1, route gone');
  });
});

describe('with min_ready', () => {
  it('a new controller leaves the traffic where it is', () => {
    const world = given(rolling({ minReadyMs: MINUTE }));
    world.release('v2');
    world.runUntil(weighs(2, 67));
    world.run(SECOND);
    world.mark();
    world.crash();
    world.run(30 * SECOND);
    expect(world.told().filter((line) => line.includes('route'))).toEqual([]);
  });
});
