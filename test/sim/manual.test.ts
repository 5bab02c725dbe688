// The weights key: while it exists the strategy is suspended and every listed version runs; deleting it hands control back.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, MISSING } from './behaviour.ts';
import { ending, endings, given, reportOf, saying, says, standing, weighs, weightOf } from './scenario.ts';
import { blueGreen, canary, HOUR, MINUTE, rolling, SECOND, STRATEGIES } from './spec.ts';

describe.each(STRATEGIES)('$type', (strategy) => {
  it('every listed version runs, in proportion, and the proxies follow', () => {
    const world = given(strategy);
    world.weigh({ v1: 70, v2: 30 });
    world.run(MINUTE);
    expect(standing(world)).toBe('v1×3, v2×1, route r1 70 r2 30');
    expect(saying(world)).toBe('idle manual-weights');
    expect(endings(world)).toHaveLength(1);
    world.weigh({ v1: 30, v2: 70 });
    world.run(MINUTE);
    expect(standing(world)).toBe('v1×1, v2×3, route r1 30 r2 70');
    world.weigh(null);
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('nothing of what shrinks goes before what grows is ready', () => {
    const world = given(strategy);
    world.weigh({ v2: 100 });
    world.run(2 * SECOND);
    expect(standing(world)).toBe('v1×3, v2×3, route r1 100');
    world.run(MINUTE);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('a version that cannot be had leaves the split as it was, and says why', () => {
    const world = given(strategy);
    world.engine.pull('v2', MISSING);
    world.weigh({ v1: 50, v2: 50 });
    world.run(MINUTE);
    expect(saying(world)).toBe('invalid invalid-weights');
    expect(reportOf(world).message).toBe(
      'weights: v2 cannot run (missing: the registry says no). The split before stays.',
    );
    expect(standing(world)).toBe('v1×3, route r1 100');
    world.weigh({ v1: 100 });
    world.run(MINUTE);
    expect(saying(world)).toBe('idle manual-weights');
  });

  it('an image that is refused for a while is tried again', () => {
    const world = given(strategy);
    world.engine.pull('v2', { takesMs: 300, failures: 5, failure: 'rate-limit' });
    world.weigh({ v2: 100 });
    world.run(5 * MINUTE);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('a version in quarantine is refused', () => {
    const world = given(strategy);
    world.engine.behave('v2', EXITS_AT_ONCE);
    world.release('v2');
    world.settle();
    world.weigh({ v1: 90, v2: 10 });
    world.run(MINUTE);
    expect(reportOf(world).message).toMatch(/^weights: v2 is in quarantine/);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('one that exits again and again is healed with back-off, and its share goes to the others', () => {
    const world = given(strategy);
    world.engine.behave('v2', EXITS_AT_ONCE);
    world.weigh({ v1: 50, v2: 50 });
    world.mark();
    world.run(10 * MINUTE);
    expect(world.told().filter((line) => line.includes('start web-r2')).length).toBeLessThan(50);
    expect(world.engine.containers.size).toBeLessThanOrEqual(5);
    expect(weightOf(world, 1)).toBe(100);
  });

  it('in the middle of a rollout they suspend it; afterwards it goes on to its end', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.release('v2');
    world.run(9 * SECOND);
    world.weigh({ v1: 100 });
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
    world.weigh(null);
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 succeeded']);
    world.run(HOUR);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it.each(['abort', 'rollback'] as const)('%s ends it at once, and they stay in force', (word) => {
    const world = given(strategy);
    world.release('v2');
    world.run(9 * SECOND);
    world.weigh({ v1: 50, v2: 50 });
    world.run(MINUTE);
    world.command(word);
    world.run(SECOND);
    const ended = word === 'abort' ? 'aborted aborted-by-operator' : 'rolled-back rollback-requested';
    expect(ending(world)).toBe(`v2 ${ended}`);
    world.run(HOUR);
    expect(standing(world)).toBe('v1×2, v2×2, route r1 50 r2 50');
    world.weigh(null);
    world.settle();
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect(endings(world)).toHaveLength(2);
  });

  it('a new version is not taken up before they are gone', () => {
    const world = given(strategy);
    world.weigh({ v1: 100 });
    world.run(SECOND);
    world.release('v2');
    world.run(HOUR);
    expect(standing(world)).toBe('v1×3, route r1 100');
    world.weigh(null);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('a controller that dies under them changes nothing', () => {
    const world = given(strategy);
    world.weigh({ v1: 50, v2: 50 });
    world.run(MINUTE);
    world.mark();
    world.crash();
    world.run(MINUTE);
    expect(world.told().filter((line) => /start|stop|route/.test(line))).toEqual([]);
  });
});

describe('in a rollout that is being resolved', () => {
  it('a version of theirs never takes the number of the one on its way', () => {
    const world = given(rolling());
    world.engine.pull('v2', { takesMs: 10 * SECOND, failures: 0, failure: 'network' });
    world.release('v2');
    world.run(SECOND);
    world.weigh({ v1: 50, v3: 50 });
    world.run(MINUTE);
    world.weigh(null);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
    expect(standing(world)).toBe('v2×3, route r2 100');
    expect(world.store.revisions.map((r) => `${r.number} ${r.version}`).sort()).toEqual([
      '1 v1',
      '2 v2',
      '3 v3',
    ]);
  });
});

describe('the times of a rollout move by the time they took', () => {
  it('a timed pause goes on with what was left of it', () => {
    const world = given(canary());
    world.release('v2');
    world.runUntil(says('progressing step-pause'));
    world.run(30 * MINUTE);
    world.weigh({ v1: 100 });
    world.run(5 * HOUR);
    world.weigh(null);
    world.run(20 * MINUTE);
    expect(weightOf(world, 2)).toBe(10);
    world.run(11 * MINUTE);
    expect(weightOf(world, 2)).toBe(50);
  });

  it('once only, when it was paused meanwhile', () => {
    const world = given(canary());
    world.release('v2');
    world.runUntil(says('progressing step-pause'));
    world.weigh({ v1: 100 });
    world.run(HOUR);
    world.command('pause');
    world.run(HOUR);
    world.weigh(null);
    world.run(HOUR);
    world.command('resume');
    world.run(59 * MINUTE);
    expect(weightOf(world, 2)).toBe(10);
    world.run(2 * MINUTE);
    expect(weightOf(world, 2)).toBe(50);
  });
});

describe('blue-green', () => {
  it('what waits for promotion waits on after them', () => {
    const world = given(blueGreen({ promotion: 'manual' }));
    world.release('v2');
    world.runUntil(says('progressing waiting-for-promotion'));
    world.weigh({ v1: 50, v2: 50 });
    world.runUntil(weighs(2, 50));
    world.run(HOUR);
    world.weigh(null);
    world.runUntil(says('progressing waiting-for-promotion'));
    expect(weightOf(world, 1)).toBe(100);
  });
});
