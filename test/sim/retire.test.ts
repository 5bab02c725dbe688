// A spec that is deleted, and perhaps put back; and proxies that refuse an entry for its routes, which are another
// service's: they must not keep anything from going.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, NEVER_READY } from './behaviour.ts';
import { ending, endings, given, reportOf, says, standing } from './scenario.ts';
import { MINUTE, SECOND, STRATEGIES, specOf } from './spec.ts';
import { SimWorld } from './world.ts';

describe.each(STRATEGIES)('$type', (strategy) => {
  it('put back in the middle of a rollout, the version is asked for anew', () => {
    const world = given(strategy);
    world.release('v2');
    world.run(9 * SECOND);
    world.retire();
    world.run(100);
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 aborted retiring']);
    world.respec(world.spec);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
    expect(world.store.history.at(-1)?.requested).toBe(world.store.specRevision);
    world.run(10 * MINUTE);
    expect(standing(world)).toBe(`v2×3, route r${world.store.memory.stable} 100`);
  });

  it('put back in the bake, what baked is taken back, not what was there before', () => {
    const world = given(strategy);
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, drainsAfterMs: 20 * SECOND };
    world.release('v2');
    world.runUntil(says('monitoring monitoring'));
    world.run(25 * SECOND);
    world.retire();
    world.run(SECOND);
    const count = world.engine.started.length;
    world.respec(world.spec);
    world.run(MINUTE);
    expect(ending(world)).toBe('v2 succeeded');
    if (strategy.type === 'recreate' || strategy.type === 'rolling')
      expect(world.engine.started.length).toBe(count);
  });

  it('put back when stops are under way, nothing that was told to stop comes back', () => {
    const world = given(strategy);
    world.engine.traits = { ...world.engine.traits, stopsAfterMs: 8 * SECOND };
    world.retire();
    world.runUntil(({ engine }) => engine.containers.get('web-r1-1')?.isStopping === true);
    world.crash();
    world.respec(world.spec);
    world.run(MINUTE);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('a command meanwhile is consumed and refused', () => {
    const world = given(strategy);
    world.retire();
    world.run(100);
    world.command('abort');
    world.run(100);
    expect(world.store.command).toBeNull();
    expect(reportOf(world).message).toMatch(/^Refused: The spec is gone/);
  });
});

function givenTaken(strategy: (typeof STRATEGIES)[number]): SimWorld {
  const world = new SimWorld(specOf({ ...strategy, progressDeadlineMs: 2 * MINUTE }));
  for (const proxy of world.proxies) proxy.isTaken = true;
  world.release('v1');
  world.runUntil(says('progressing waiting-for-proxies'));
  world.run(SECOND);
  return world;
}

describe.each(STRATEGIES)('$type, where the routes belong to another service', (strategy) => {
  it('the service can be removed', () => {
    const world = givenTaken(strategy);
    world.retire();
    world.run(10 * SECOND);
    expect(world.store.isRetired).toBe(true);
    expect(world.engine.containers.size).toBe(0);
  });

  it('a first release is aborted at once, and all of it goes', () => {
    const world = givenTaken(strategy);
    world.command('abort');
    world.run(10 * SECOND);
    expect(endings(world)).toEqual(['v1 aborted aborted-by-operator']);
    expect(world.store.history[0]?.message).toBe('Aborted by an operator.');
    expect(world.engine.containers.size).toBe(0);
    expect(world.store.route?.value.routes).toEqual([{ host: '*', path: '/' }]);
  });

  it('one that fails at its deadline leaves nothing', () => {
    const world = givenTaken(strategy);
    world.run(2 * MINUTE + 10 * SECOND);
    expect(endings(world)).toEqual(['v1 failed waiting-for-proxies']);
    expect(world.engine.containers.size).toBe(0);
  });
});

describe.each(STRATEGIES)('$type, where a proxy applies nothing', (strategy) => {
  const patient = { ...strategy, progressDeadlineMs: MINUTE };

  it.each([
    ['aborted', NEVER_READY, 'v1 aborted aborted-by-operator', 'Aborted by an operator.'],
    ['failed', EXITS_AT_ONCE, 'v1 failed container-exited', 'web-r1-1 exited with code 3.'],
  ] as const)('a first release that is %s ends as that, and goes later', (_, behaviour, ended, message) => {
    const world = new SimWorld(specOf(patient));
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, appliesAfterMs: null };
    world.engine.behave('v1', (start) => (start === 0 ? behaviour : NEVER_READY));
    world.release('v1');
    world.run(2 * SECOND);
    world.command('abort');
    world.run(3 * MINUTE);
    expect(endings(world)).toEqual([ended]);
    expect(world.store.history[0]?.message).toBe(
      `${message} Not all of it was gone before the deadline; the rest goes when it can.`,
    );
    for (const proxy of world.proxies) proxy.recover();
    world.run(MINUTE);
    expect(world.engine.containers.size).toBe(0);
  });
});
