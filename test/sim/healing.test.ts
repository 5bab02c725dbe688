// Outside rollouts: what is removed, stopped or sick is replaced with back-off; scaling starts and stops only the
// difference; and in rollouts, what is tolerated and what pauses.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, GOOD, refusedWith, turnsSickAfter } from './behaviour.ts';
import { ending, endings, given, reportOf, saying, says, standing } from './scenario.ts';
import { HOUR, MINUTE, SECOND, STRATEGIES } from './spec.ts';
import type { SimWorld } from './world.ts';

const only = (word: string, { told }: { told: readonly string[] }) =>
  told.filter((line) => line.includes(word));
const starts = (world: SimWorld) => only(' start ', { told: world.told() });
const stops = (world: SimWorld) => only(' stop ', { told: world.told() });

describe.each(STRATEGIES)('$type', (strategy) => {
  it('a replica removed by hand is replaced at once', () => {
    const world = given(strategy);
    world.run(HOUR);
    world.mark();
    world.engine.removeByHand('web-r1-2');
    world.run(SECOND);
    expect(starts(world)).toEqual(['+0.0s start web-r1-2']);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect(reportOf(world)).toMatchObject({ phase: 'idle', reason: null });
  });

  it('a replica that exited is removed and replaced', () => {
    const world = given(strategy);
    world.run(HOUR);
    world.engine.kill('web-r1-1');
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('a replica that turned sick leaves the table before it is stopped', () => {
    const world = given(strategy);
    world.engine.behave('v1', (start) => (start === 3 ? turnsSickAfter(MINUTE) : GOOD));
    world.engine.removeByHand('web-r1-3');
    world.run(90 * SECOND);
    world.settle();
    expect(stops(world)).toHaveLength(1);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('one that exits again and again is tried again ever later, with nothing piling up', () => {
    const world = given(strategy);
    world.engine.behave('v1', EXITS_AT_ONCE);
    world.engine.kill('web-r1-1');
    world.mark();
    world.run(10 * MINUTE);
    expect(starts(world).length).toBeGreaterThan(5);
    expect(starts(world).length).toBeLessThan(25);
    expect(world.engine.containers.size).toBe(3);
    expect(saying(world)).toBe('idle healing');
    world.engine.behave('v1', GOOD);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('one that cannot be started says so, and is tried again with back-off', () => {
    const world = given(strategy);
    world.engine.behave('v1', refusedWith('name-conflict'));
    world.engine.removeByHand('web-r1-1');
    world.run(5 * MINUTE);
    expect(saying(world)).toBe('idle name-conflict');
    expect(reportOf(world).message).toBe('v1: 2 of 3 replicas ready. start web-r1-1: name-conflict');
    world.engine.behave('v1', GOOD);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('a broken stable version does not block its fix', () => {
    const world = given(strategy);
    world.engine.behave('v1', EXITS_AT_ONCE);
    for (const name of [...world.engine.containers.keys()]) world.engine.kill(name);
    world.run(5 * MINUTE);
    world.release('v2');
    world.run(5 * MINUTE);
    expect(ending(world)).toBe('v2 succeeded');
    world.settle();
    world.run(HOUR);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('nor does one whose replicas come and go, slowly', () => {
    const world = given({ ...strategy, progressDeadlineMs: 2 * MINUTE });
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, drainsAfterMs: MINUTE };
    world.engine.behave('v1', turnsSickAfter(15 * SECOND));
    for (const index of [1, 2, 3]) {
      world.engine.removeByHand(`web-r1-${index}`);
      world.run(10 * SECOND);
    }
    world.run(2 * MINUTE);
    world.release('v2');
    world.run(2 * HOUR);
    expect(ending(world)).toBe('v2 succeeded');
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it.each([1, 5])(
    'scaling from 3 to %i starts or stops only the difference, without a rollout',
    (replicas) => {
      const world = given(strategy);
      world.respec({ ...world.spec, replicas });
      world.settle();
      expect(endings(world)).toHaveLength(1);
      expect([starts(world).length, stops(world).length]).toEqual([
        Math.max(0, replicas - 3),
        Math.max(0, 3 - replicas),
      ]);
      expect(standing(world)).toBe(`v1×${replicas}, route r1 100`);
    },
  );

  it('scaling to 0 and back loses no record of what is stable', () => {
    const world = given(strategy);
    world.respec({ ...world.spec, replicas: 0 });
    world.settle();
    expect(standing(world)).toBe('route none');
    world.release('v2');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
    world.respec({ ...world.spec, replicas: 2 });
    world.settle();
    expect(standing(world)).toBe('v2×2, route r2 100');
  });

  it.each([1, 5])('scaling to %i in the middle of a rollout is followed at once', (replicas) => {
    const world = given(strategy);
    world.release('v2');
    world.run(9 * SECOND);
    world.respec({ ...world.spec, replicas });
    world.settle();
    world.run(HOUR);
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 succeeded']);
    expect(standing(world)).toBe(`v2×${replicas}, route r2 100`);
  });

  it('failure_action pause: nothing more is started, resume replaces what failed', () => {
    const world = given({ ...strategy, failureAction: 'pause' });
    world.engine.behave('v2', EXITS_AT_ONCE);
    world.release('v2');
    world.runUntil(says('paused paused-on-failure'));
    const count = world.engine.started.length;
    world.run(HOUR);
    expect(world.engine.started.length).toBe(count);
    expect(saying(world)).toBe('paused paused-on-failure');
    world.engine.behave('v2', GOOD);
    world.command(strategy.type === 'rolling' ? 'resume' : 'retry');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('failure_action pause, then abort: back to v1', () => {
    const world = given({ ...strategy, failureAction: 'pause' });
    world.engine.behave('v2', EXITS_AT_ONCE);
    world.release('v2');
    world.runUntil(says('paused paused-on-failure'));
    world.command('abort');
    world.settle();
    expect(ending(world)).toBe('v2 aborted aborted-by-operator');
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('failure_action pause at the deadline: resume gives it the whole of it again', () => {
    const world = given({ ...strategy, failureAction: 'pause', progressDeadlineMs: MINUTE });
    world.engine.behave('v2', { ...GOOD, readyAfterMs: 25 * SECOND });
    world.engine.traits = { ...world.engine.traits, startsAfterMs: 55 * SECOND };
    world.release('v2');
    world.runUntil(says('paused paused-on-failure'));
    world.run(HOUR);
    world.command('resume');
    world.run(10 * SECOND);
    expect(saying(world)).not.toBe('paused paused-on-failure');
  });

  it('max_failure_ratio 0.34 of 3 tolerates one failure, not two', () => {
    const ends = [1, 2].map((bad) => {
      const world = given({ ...strategy, maxFailureRatio: 0.34 });
      world.engine.behave('v2', (start) => (start < bad ? EXITS_AT_ONCE : GOOD));
      world.release('v2');
      world.settle();
      return ending(world);
    });
    expect(ends).toEqual(['v2 succeeded', 'v2 rolled-back container-exited']);
  });
});
