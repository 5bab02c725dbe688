// What holds a rollout by plan: promotion, previews, warm old replicas, the steps of a canary and its pauses.
import { describe, expect, it } from 'vitest';
import { GOOD, turnsSickAfter } from './behaviour.ts';
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
import { blueGreen, canary, HOUR, MINUTE, SECOND, specOf } from './spec.ts';
import { SimWorld } from './world.ts';

describe('blue-green', () => {
  const preview = { host: 'preview.example.com' };
  const manual = blueGreen({ promotion: 'manual', preview });

  it('waits for promote for days, with a preview of the candidate, then switches at once', () => {
    const world = given(manual);
    world.release('v2');
    world.runUntil(says('progressing waiting-for-promotion'));
    world.run(72 * HOUR);
    expect(saying(world)).toBe('progressing waiting-for-promotion');
    expect(world.store.route?.value.preview).toEqual({ host: 'preview.example.com', revision: 2 });
    expect(world.store.route?.value.targets.map((t) => t.revision)).toEqual([1, 1, 1, 2, 2, 2]);
    expect(world.store.route?.value.split).toEqual({ 1: 100 });
    world.command('promote');
    world.run(SECOND);
    expect(world.store.route?.value.split).toEqual({ 2: 100 });
    expect(world.store.route?.value.preview).toBeNull();
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('promote before the candidate is up in full is refused', () => {
    const world = given(manual);
    world.release('v2');
    world.run(SECOND);
    world.command('promote');
    world.run(SECOND);
    expect(reportOf(world).message).toMatch(/^Refused: The candidate is not up in full yet\./);
  });

  it('a candidate replica removed by hand after days of waiting has a deadline of its own', () => {
    const world = given(manual);
    world.release('v2');
    world.runUntil(says('progressing waiting-for-promotion'));
    world.run(24 * HOUR);
    world.engine.removeByHand('web-r2-2');
    world.run(MINUTE);
    expect(saying(world)).toBe('progressing waiting-for-promotion');
    expect(endings(world)).toHaveLength(1);
  });

  it('a candidate that turns sick while it waits is rolled back before it had any traffic', () => {
    const world = given(manual);
    world.engine.behave('v2', turnsSickAfter(MINUTE));
    world.release('v2');
    while (world.store.history.length < 2) {
      world.run(SECOND);
      expect(weightOf(world, 1)).toBe(100);
    }
    expect(ending(world)).toBe('v2 rolled-back probe-failed');
  });

  it('abort while stable is short gives the candidate, which never had traffic, none', () => {
    const world = given(manual);
    world.release('v2');
    world.runUntil(says('progressing waiting-for-promotion'));
    world.engine.removeByHand('web-r1-1');
    world.command('abort');
    while (!isIdle(world)) {
      world.run(100);
      expect(weightOf(world, 2)).toBe(0);
    }
    world.settle();
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('while the old one is warm, rollback starts nothing and switches at once', () => {
    const world = given(blueGreen());
    world.release('v2');
    world.settle();
    world.mark();
    world.command('rollback');
    world.run(2 * SECOND);
    // The id of the rollout ends in the store's revision, which counts every write before it.
    expect(world.told().map((line) => line.replace(/-\d+$/, ''))).toEqual([
      '+0.0s — command rollback',
      '+0.0s route r2 100',
      '+0.0s resolve registry.example.com/shop/web:sha256:v1',
      '+0.3s route r1 100',
      '+0.3s route r1 100',
      '+0.3s succeeded web-1',
      '+0.8s stop web-r2',
      '+0.8s stop web-r2',
      '+0.8s stop web-r2',
    ]);
  });

  it('a warm replica that the engine once restarted is as good for that', () => {
    const world = given(blueGreen());
    world.engine.behave('v1', { ...GOOD, isRestarted: true, exitsAfterMs: 90 * SECOND });
    world.command('restart');
    world.settle();
    world.release('v2');
    world.settle();
    world.run(2 * MINUTE);
    world.command('rollback');
    world.run(5 * SECOND);
    expect(endings(world).at(-1)).toBe('v1 succeeded');
  });

  it('a warm replica takes no traffic when a stable one is missing', () => {
    const world = given(blueGreen());
    world.release('v2');
    world.settle();
    world.engine.removeByHand('web-r2-1');
    for (let i = 0; i < 30; i += 1) {
      world.run(200);
      expect(weightOf(world, 1)).toBe(0);
    }
    world.settle();
    expect(standing(world)).toBe('v1×3, v2×3, route r2 100');
  });
});

describe('canary', () => {
  it('a timed pause ends at its absolute time, whoever leads by then', () => {
    const world = given(canary());
    world.release('v2');
    world.runUntil(says('progressing step-pause'));
    const ends = reportOf(world).step?.ends ?? 0;
    expect(reportOf(world)).toMatchObject({
      message: 'Holding at 10 % for another 60 minutes.',
      next: { what: 'weight 50', at: ends },
      step: { index: 1, count: 5, what: 'pause 1h' },
    });
    for (let i = 0; i < 59; i += 1) {
      world.run(MINUTE);
      world.crash();
    }
    expect(weightOf(world, 2)).toBe(10);
    world.run(ends + 10 * SECOND - world.now);
    expect(weightOf(world, 2)).toBe(50);
  });

  it('a manual pause waits for promote', () => {
    const steps = [{ kind: 'weight', weight: 20, replicas: null }, { kind: 'pause-manual' }] as const;
    const world = given(canary({ steps }));
    world.release('v2');
    world.runUntil(says('progressing waiting-for-promotion'));
    world.run(48 * HOUR);
    expect(weightOf(world, 2)).toBe(20);
    expect(reportOf(world)).toMatchObject({
      message: 'Holding at 20 %; waiting for promote.',
      next: { what: 'weight 100', at: null },
    });
    world.command('promote');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('promote cuts one timed pause short, and only that', () => {
    const world = given(canary());
    world.release('v2');
    world.runUntil(says('progressing step-pause'));
    world.command('promote');
    world.runUntil((w) => w.store.memory.rollout?.step?.index === 3);
    expect(weightOf(world, 2)).toBe(50);
    world.run(9 * MINUTE);
    expect(weightOf(world, 2)).toBe(50);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('promote while a weight is being reached is refused', () => {
    const world = given(canary());
    world.release('v2');
    world.run(2 * SECOND);
    world.command('promote');
    world.run(SECOND);
    expect(reportOf(world).message).toMatch(
      /^Refused: Nothing to promote: the current step is not a pause\./,
    );
  });

  it('a step may say its own replicas, also fewer than the one before', () => {
    const steps = [
      { kind: 'weight', weight: 10, replicas: { count: 3 } },
      { kind: 'pause', durationMs: MINUTE },
      { kind: 'weight', weight: 20, replicas: { percent: 30 } },
      { kind: 'pause', durationMs: MINUTE },
    ] as const;
    const world = given(canary({ steps }));
    world.release('v2');
    world.runUntil(weighs(2, 10));
    expect(standing(world)).toBe('v1×3, v2×3, route r1 90 r2 10');
    world.runUntil(weighs(2, 20));
    world.run(30 * SECOND);
    expect(standing(world)).toBe('v1×3, v2×1, route r1 80 r2 20');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('paused by an operator before its weight is reached, it takes none until resumed', () => {
    const world = given(canary());
    world.release('v2');
    world.runUntil(({ engine }) => engine.started.includes('web-r2-1'));
    world.command('pause');
    world.run(MINUTE);
    expect(world.store.route?.value.split).toEqual({ 1: 100 });
    world.command('resume');
    world.run(10 * SECOND);
    expect(weightOf(world, 2)).toBe(10);
  });

  it('a hundred steps that need nothing more are passed at once', () => {
    const steps = Array.from({ length: 100 }, (_, i) => {
      return { kind: 'weight', weight: i + 1, replicas: { count: 1 } } as const;
    });
    const { settings } = specOf(canary());
    const world = given(canary({ steps }), { replicas: 1, settings: { ...settings, port: null } });
    world.release('v2');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('a timed pause that takes the place of a weight under way begins then', () => {
    const weight = { kind: 'weight', weight: 10, replicas: null } as const;
    const pause = { kind: 'pause', durationMs: MINUTE } as const;
    const world = given(canary({ steps: [weight, { ...weight, weight: 50 }] }));
    world.release('v2');
    world.runUntil((w) => w.store.memory.rollout?.step?.index === 1);
    world.respec({ ...world.spec, strategy: canary({ steps: [weight, pause] }) });
    world.run(SECOND);
    expect(saying(world)).toBe('progressing step-pause');
    world.run(50 * SECOND);
    expect(weightOf(world, 2)).toBe(10);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('the first release shows no step', () => {
    const world = new SimWorld(specOf(canary()));
    world.release('v1');
    world.run(SECOND);
    expect([saying(world), reportOf(world).step]).toEqual(['progressing starting-replicas', null]);
  });
});
