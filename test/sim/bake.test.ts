// In the bake, and where one version replaces another in place: who is waited for, who is healed, who goes first.
import { describe, expect, it } from 'vitest';
import { crashesAfter, GOOD, refusedWith, turnsSickAfter } from './behaviour.ts';
import { ending, given, says, standing } from './scenario.ts';
import { canary, HOUR, MINUTE, recreate, rolling, SECOND } from './spec.ts';

describe('in the bake', () => {
  it('a candidate replica removed by hand near its end is waited for', () => {
    const world = given(rolling({ monitorMs: HOUR, progressDeadlineMs: MINUTE }));
    world.release('v2');
    world.runUntil(says('monitoring monitoring'));
    world.run(HOUR - SECOND);
    world.engine.removeByHand('web-r2-1');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('one that does not come back ends it at the deadline, without any other event', () => {
    const world = given(rolling({ monitorMs: HOUR, progressDeadlineMs: MINUTE }), { replicas: 1 });
    world.release('v2');
    world.runUntil(says('monitoring monitoring'));
    world.run(HOUR - SECOND);
    world.engine.behave('v2', refusedWith('name-conflict'));
    world.engine.removeByHand('web-r2-1');
    world.run(3 * MINUTE);
    expect(ending(world)).toBe('v2 rolled-back name-conflict');
  });

  it('crashes of what was stable are healed, and condemn nobody', () => {
    const world = given(canary({ monitorMs: 10 * MINUTE, steps: [] }));
    world.release('v2');
    world.runUntil(says('monitoring monitoring'));
    world.engine.behave('v1', crashesAfter(MINUTE));
    world.engine.kill('web-r1-1');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });
});

describe('recreate', () => {
  it('never starts a replacement beside what it replaces', () => {
    const world = given(recreate(), { replicas: 1 });
    world.engine.behave('v1', (start) => (start === 1 ? turnsSickAfter(MINUTE) : GOOD));
    world.engine.removeByHand('web-r1-1');
    let most = 0;
    for (let i = 0; i < 120; i += 1) {
      world.run(SECOND);
      most = Math.max(most, [...world.engine.containers.values()].filter((c) => c.isRunning).length);
    }
    expect(most).toBe(1);
    expect(standing(world)).toBe('v1×1, route r1 100');
  });

  it('a failed candidate goes before the stable one returns', () => {
    const world = given(recreate(), { replicas: 1 });
    world.engine.behave('v2', turnsSickAfter(15 * SECOND));
    world.release('v2');
    world.settle();
    const moves = world.told().map((line) => line.replace(/^\S+ /, ''));
    expect(moves.slice(moves.indexOf('quarantine sha256:v2'))).toEqual([
      'quarantine sha256:v2',
      'stop web-r2-1',
      'start web-r1-1',
      'route r1 100',
      'route r1 100',
      'rolled-back web-2-8',
    ]);
  });
});
