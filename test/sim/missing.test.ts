// A proxy whose key has gone without its word may still serve by the table that it had.
import { describe, expect, it } from 'vitest';
import { ending, given, reportOf, saying, weighs } from './scenario.ts';
import { MINUTE, rolling, SECOND, STRATEGIES } from './spec.ts';
import type { SimWorld } from './world.ts';

const HANGING = { appliesAfterMs: null, drainsAfterMs: 0 };

/** As after an outage of the store: every lease has expired, a new controller comes, and the proxies serve on. */
function hideAll(world: SimWorld): void {
  for (const proxy of world.proxies) {
    proxy.traits = HANGING;
    proxy.hide(true);
  }
  world.crash();
}

function showAll(world: SimWorld): void {
  for (const proxy of world.proxies) {
    proxy.hide(false);
    proxy.recover();
  }
}

const stops = (world: SimWorld): readonly string[] => world.told().filter((line) => line.includes(' stop '));

describe.each(STRATEGIES)('$type', (strategy) => {
  it('nothing is stopped that a proxy may route to while its key is missing', () => {
    const world = given(strategy, {}, 2);
    world.release('v2');
    world.run(300);
    hideAll(world);
    world.run(14 * SECOND);
    expect(stops(world)).toEqual([]);
    showAll(world);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });
});

describe('a proxy that is killed for good', () => {
  function killed(hasSaid: boolean): SimWorld {
    const world = given(rolling(), {}, 2);
    world.release('v2');
    world.runUntil(weighs(2, 33));
    const [proxy] = world.proxies;
    if (proxy !== undefined) world.dropProxy(proxy, hasSaid);
    world.mark();
    return world;
  }

  it('is named, and holds nothing up for longer than its time', () => {
    const world = killed(false);
    world.run(SECOND);
    expect(saying(world)).toBe('progressing waiting-for-proxies');
    expect(reportOf(world).message).toBe(
      'p1 vanished without a word and may still serve; waiting for it, at most 15 seconds.',
    );
    world.run(13 * SECOND);
    expect(stops(world)).toEqual([]);
    world.run(2 * SECOND);
    expect(stops(world)).toHaveLength(1);
    world.run(10 * MINUTE);
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('is not waited for when it has said so', () => {
    const world = killed(true);
    world.run(2 * SECOND);
    expect(stops(world)).toHaveLength(1);
  });
});
