// Properties of the core over generated worlds, operators and faults. The invariants themselves are checked at every
// pass, action and event by the world; here stand those that show at the end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../strategies/decide.ts';
import { story } from './arbitrary.ts';
import { SECOND } from './spec.ts';
import { begin, conclude, play } from './story.ts';
import type { SimWorld } from './world.ts';

/** More of them, and others, by hand: see `test/support/seed`. */
const RUNS = Number(process.env.RUNS ?? 120);
const TIMEOUT_MS = 60_000 + RUNS * 200;

function expectEnded(world: SimWorld): void {
  expect(world.store.memory.rollout, `a rollout never ended\n${world.tail()}`).toBeNull();
}

function expectConverged(world: SimWorld): void {
  const { spec, engine, store } = world;
  const names = [...engine.containers.values()].map(({ revision, name }) => `${revision.number} ${name}`);
  const { stable } = store.memory;
  expect(
    names.every((name) => name.startsWith(`${stable} `)) && names.length === spec.replicas,
    world.tail(),
  ).toBe(true);
  if (spec.settings.port !== null) {
    expect(store.route?.value.targets.length, world.tail()).toBe(spec.replicas);
    expect(store.route?.value.split).toEqual(spec.replicas === 0 ? {} : { [String(stable)]: 100 });
  }
  const again = decide(spec, world.observe(), world.now);
  expect([again.actions, again.writes, again.memory], world.tail()).toEqual([[], {}, store.memory]);
}

describe('any world', () => {
  it('keeps the invariants, ends every rollout, and converges to the last good version', {
    timeout: TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(story, (told) => {
        const world = begin(told);
        play(world, told);
        conclude(world);
        expectEnded(world);
        world.release('v9');
        conclude(world);
        world.settle();
        world.run(400 * SECOND);
        world.resync();
        world.run(SECOND);
        expect(world.store.memory.last?.outcome, world.tail()).toBe('succeeded');
        expectConverged(world);
      }),
      { numRuns: RUNS },
    );
  });
});
