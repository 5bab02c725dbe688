// An operator's word in the middle of a rollout: at several points of each strategy, and where it cannot apply.
import { describe, expect, it } from 'vitest';
import {
  ending,
  endings,
  given,
  isIdle,
  reportOf,
  saying,
  says,
  standing,
  weighs,
  weightOf,
} from './scenario.ts';
import { blueGreen, canary, HOUR, MINUTE, recreate, rolling, SECOND } from './spec.ts';
import type { SimWorld } from './world.ts';

type Point = (world: SimWorld) => boolean;

const hasStarted: Point = ({ engine }) => engine.started.some((name) => name.startsWith('web-r2'));
const isStage =
  (stage: string): Point =>
  ({ store }) =>
    store.memory.rollout?.stage === stage;

const CASES = [
  ...(
    [
      ['while the image is pulled', isStage('resolving')],
      ['while the old ones drain', (w) => Object.keys(w.store.memory.draining).length > 0],
      ['while the new ones start', hasStarted],
      ['in the bake', isStage('monitoring')],
    ] as readonly (readonly [string, Point])[]
  ).map(([point, holds]) => ({ strategy: recreate(), point, holds })),
  ...(
    [
      ['while the image is pulled', isStage('resolving')],
      ['before anything is shifted', hasStarted],
      ['after the first is replaced', weighs(2, 33)],
      ['after two are replaced', weighs(2, 67)],
      ['in the bake', isStage('monitoring')],
    ] as readonly (readonly [string, Point])[]
  ).map(([point, holds]) => ({ strategy: rolling(), point, holds })),
  ...(
    [
      ['while the candidate comes up', hasStarted],
      ['while it waits for promotion', says('progressing waiting-for-promotion')],
    ] as readonly (readonly [string, Point])[]
  ).map(([point, holds]) => ({ strategy: blueGreen({ promotion: 'manual' }), point, holds })),
  { strategy: blueGreen(), point: 'in the bake', holds: isStage('monitoring') },
  ...(
    [
      ['before the first weight', hasStarted],
      ['in the first pause', says('progressing step-pause')],
      ['at half', weighs(2, 50)],
      ['in the bake', isStage('monitoring')],
    ] as readonly (readonly [string, Point])[]
  ).map(([point, holds]) => ({ strategy: canary(), point, holds })),
].map((one) => ({ ...one, title: `${one.strategy.type}, ${one.point}` }));

describe.each(CASES)('$title', ({ strategy, holds }) => {
  function reach(): SimWorld {
    const world = given(strategy);
    world.release('v2');
    world.runUntil(holds);
    world.mark();
    return world;
  }

  it('abort returns to v1 and ends as aborted, and is not tried again', () => {
    const world = reach();
    world.command('abort');
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 aborted aborted-by-operator']);
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect(endings(world)).toHaveLength(2);
    expect(world.store.quarantined).toEqual([]);
  });

  it('rollback returns to v1 and ends as rolled-back', () => {
    const world = reach();
    world.command('rollback');
    world.settle();
    expect(ending(world)).toBe('v2 rolled-back rollback-requested');
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('pause holds the traffic where it is for as long as it lasts; resume goes on to the end', () => {
    const world = reach();
    const weight = weightOf(world, 2);
    world.command('pause');
    world.run(3 * HOUR);
    const isAtomic = strategy.type === 'recreate' && !isUntouched(world);
    if (!isAtomic && weight > 0 && weight < 100) expect(weightOf(world, 2)).toBe(weight);
    expect(world.store.memory.rollout?.paused?.by).toBe('operator');
    expect(saying(world)).toMatch(/^(paused|progressing)/);
    world.command('resume');
    world.runUntil((w) => isIdle(w) || saying(w) === 'progressing waiting-for-promotion');
    if (!isIdle(world)) world.command('promote');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('a newer version supersedes it', () => {
    const world = reach();
    world.release('v3');
    world.runUntil((w) => isIdle(w) || saying(w) === 'progressing waiting-for-promotion');
    if (!isIdle(world)) world.command('promote');
    world.settle();
    expect(endings(world).slice(1)).toEqual(['v2 superseded superseded', 'v3 succeeded']);
    world.run(HOUR);
    expect(standing(world)).toMatch(/^v3×3, route r\d 100$/);
  });

  it('the stable version asked for again takes everything back, and succeeds', () => {
    const world = reach();
    const isExchanged = strategy.type === 'recreate' || strategy.type === 'rolling';
    const isReplaced = isExchanged && world.store.memory.rollout?.stage === 'monitoring';
    world.release('v1');
    world.settle();
    expect(endings(world).slice(1)).toEqual(['v2 superseded superseded', 'v1 succeeded']);
    world.run(HOUR);
    expect(standing(world)).toBe(`v1×3, route r${isReplaced ? 3 : 1} 100`);
  });

  it('restart and retry are refused, and change nothing', () => {
    const world = reach();
    for (const word of ['restart', 'retry'] as const) {
      world.command(word);
      world.run(0);
      expect(world.store.command).toBeNull();
      expect(world.store.memory.answer?.refused).toBe(true);
      expect(reportOf(world).message).toMatch(/^Refused: A rollout is in progress/);
    }
  });
});

function isUntouched(world: SimWorld): boolean {
  return [...world.engine.containers.values()].every(({ revision }) => revision.version === 'v1');
}

describe('with several behind it', () => {
  function givenThree(): SimWorld {
    const world = given(rolling());
    for (const version of ['v2', 'v3']) {
      world.release(version);
      world.settle();
    }
    return world;
  }

  it('rollback goes to the stable revision before, twice back and twice ends at the first', () => {
    const world = givenThree();
    world.command('rollback');
    world.settle();
    expect(standing(world)).toBe('v2×3, route r2 100');
    world.command('rollback');
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect(endings(world).slice(3)).toEqual(['v2 succeeded', 'v1 succeeded']);
    world.command('rollback');
    world.run(SECOND);
    expect(reportOf(world).message).toBe(
      'Refused: There is no earlier stable revision to go back to. Running v1, 3 replicas. v3 is asked for; retry runs it.',
    );
  });

  it('rollback N goes to that revision, and does not release the desired version again', () => {
    const world = givenThree();
    world.command('rollback', 1);
    world.settle();
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect(ending(world)).toBe('v1 succeeded');
    expect(world.store.memory.stable).toBe(1);
  });

  it('rollback N in the middle of a rollout supersedes it', () => {
    const world = givenThree();
    world.release('v4');
    world.runUntil(weighs(4, 33));
    world.command('rollback', 1);
    world.settle();
    expect(endings(world).slice(3)).toEqual(['v4 superseded superseded', 'v1 succeeded']);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it.each([
    [3, /Revision 3 is the stable revision already/],
    [9, /There is no revision 9; see slipway history/],
  ])('rollback %i is refused', (to, message) => {
    const world = givenThree();
    world.command('rollback', to);
    world.run(SECOND);
    expect(reportOf(world).message).toMatch(message);
    expect(isIdle(world)).toBe(true);
  });

  it('a replica that fails in a rollback is healed, and the rollback goes on', () => {
    const world = givenThree();
    let starts = 0;
    const good = { readyAfterMs: 2000, exitsAfterMs: null, exitCode: 1, outOfMemory: false };
    const calm = { ...good, isRestarted: false, sickAfterMs: null, refusal: null };
    world.engine.behave('v1', () => {
      starts += 1;
      return starts === 1 ? { ...calm, exitsAfterMs: 500 } : calm;
    });
    world.command('rollback', 1);
    world.settle();
    expect(ending(world)).toBe('v1 succeeded');
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('a rollback to what cannot run any more ends at the deadline with what ran before', () => {
    const world = givenThree();
    world.engine.behave('v1', {
      ...{ readyAfterMs: null, exitsAfterMs: 200, exitCode: 1, outOfMemory: false },
      ...{ isRestarted: false, sickAfterMs: null, refusal: null },
    });
    world.command('rollback', 1);
    world.settle();
    expect(ending(world)).toBe('v1 rolled-back progress-deadline');
    expect(standing(world)).toBe('v3×3, route r3 100');
    expect(world.store.quarantined).toEqual([]);
  });
});

describe('restart', () => {
  it('replaces every replica by the same digest under a revision of its own', () => {
    const world = given(rolling());
    world.command('restart');
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v1 succeeded']);
    expect(standing(world)).toBe('v1 restarted×3, route r2 100');
    expect(world.store.revisions.map((r) => r.digest)).toEqual(['sha256:v1', 'sha256:v1']);
  });

  it('the desired version asked for again afterwards is there already', () => {
    const world = given(rolling());
    world.command('restart');
    world.settle();
    world.mark();
    world.release('v1');
    world.run(MINUTE);
    expect(ending(world)).toBe('v1 succeeded');
    expect(world.told().filter((line) => /start|stop/.test(line))).toEqual([]);
  });
});
