import { describe, expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { ImagePruner } from '../../deploy/prune.ts';

const ONE = { image: 'shop/web', reference: 'shop/web@sha256:1' };
const TWO = { image: 'old/web', reference: 'old/web@sha256:2' };
const BUSY = new RuntimeFailure('engine-error', 'the image is being used');

/** An engine that fails as told, on a clock by hand. */
function openWorld(failures: readonly RuntimeFailure[] = []) {
  let now = 0;
  const left = [...failures];
  const asked: string[] = [];
  const marked: string[] = [];
  const troubles: string[] = [];
  const pruner = new ImagePruner({
    runtime: {
      pruneImages: async (image, keep, drop) => {
        asked.push(`${image}: -${drop.join()} +${keep.join()}`);
        const failure = left.shift();
        if (failure !== undefined) throw failure;
      },
    },
    now: () => now,
    onDone: (service) => marked.push(service),
    onTrouble: (what) => troubles.push(what),
    schedule: () => undefined,
  });
  const ask = async (drop = [ONE], keep: readonly string[] = []) => {
    const gone = [...pruner.prune('web', keep, drop)];
    await pruner.settled();
    return gone;
  };
  const sleep = (ms: number) => {
    now += ms;
  };
  return { pruner, asked, marked, troubles, ask, sleep };
}

describe('the image pruner', () => {
  test('removes each once, in its own repository, and answers so at the next time of asking', async () => {
    const world = openWorld();
    expect(await world.ask([ONE, TWO], ['shop/web@sha256:3'])).toEqual([]);
    expect(world.marked).toEqual(['web', 'web']);
    expect(await world.ask([ONE, TWO], ['shop/web@sha256:3'])).toEqual([ONE.reference, TWO.reference]);
    expect(world.asked).toEqual([
      'shop/web: -shop/web@sha256:1 +shop/web@sha256:3',
      'old/web: -old/web@sha256:2 +shop/web@sha256:3',
    ]);
  });

  test('what a kept revision runs too is done with at once', async () => {
    const world = openWorld();
    expect(await world.ask([ONE], [ONE.reference])).toEqual([ONE.reference]);
    expect(world.asked).toEqual([]);
  });

  test('a removal that fails is made again after its back-off, and told once', async () => {
    const world = openWorld([BUSY, BUSY]);
    await world.ask();
    expect(await world.ask()).toEqual([]);
    expect(world.asked).toHaveLength(1);
    world.sleep(200);
    await world.ask();
    world.sleep(400);
    await world.ask();
    expect(await world.ask()).toEqual([ONE.reference]);
    expect(world.asked).toHaveLength(3);
    expect(world.troubles).toEqual(['remove image shop/web@sha256:1: the image is being used; trying again']);
  });

  test('one that fails again and again is given up, and left to a person', async () => {
    const world = openWorld(Array.from({ length: 20 }, () => BUSY));
    let gone: readonly string[] = [];
    for (let passes = 0; passes < 20 && gone.length === 0; passes += 1) {
      gone = await world.ask();
      world.sleep(20_000);
    }
    expect(gone).toEqual([ONE.reference]);
    expect(world.asked).toHaveLength(8);
    expect(world.troubles.at(-1)).toBe('image shop/web@sha256:1 is left on the engine; remove it by hand');
  });

  test('without the permit nothing is remembered: the next to lead begins anew', async () => {
    const world = openWorld([new RuntimeFailure('cancelled', 'another controller may lead by now')]);
    await world.ask();
    await world.ask();
    expect(await world.ask()).toEqual([ONE.reference]);
    expect([world.asked.length, world.troubles]).toEqual([2, []]);
  });

  test('what is not to go any more is forgotten', async () => {
    const world = openWorld();
    await world.ask();
    await world.ask([]);
    expect(await world.ask()).toEqual([]);
    expect(world.asked).toHaveLength(2);
  });
});
