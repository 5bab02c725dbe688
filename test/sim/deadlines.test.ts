// The progress deadline: what is free of it, and what it ends.
import { describe, expect, it } from 'vitest';
import { NEVER_READY } from './behaviour.ts';
import { ending, given, isIdle, reportOf, saying, says, weightOf } from './scenario.ts';
import { HOUR, MINUTE, rolling, SECOND, STRATEGIES, specOf } from './spec.ts';

describe.each(STRATEGIES)('$type', (strategy) => {
  it('paused time is free', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.release('v2');
    world.run(2 * SECOND);
    world.command('pause');
    world.run(5 * HOUR);
    world.command('resume');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('paused time is free while the image is pulled, too', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.engine.pull('v2', { takesMs: 90 * SECOND, failures: 0, failure: 'network' });
    world.release('v2');
    world.run(SECOND);
    world.command('pause');
    world.run(5 * MINUTE);
    world.command('resume');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('requests that end within drain_timeout are waited for, however short the deadline is', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE }, { drainTimeoutMs: 20 * MINUTE });
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, drainsAfterMs: 5 * MINUTE };
    world.release('v2');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
    world.release('v3');
    world.run(10 * SECOND);
    world.command('abort');
    world.settle();
    expect(ending(world)).toBe('v3 aborted aborted-by-operator');
  });

  it('nor do containers that take their time to stop end it', () => {
    const { settings } = specOf(strategy);
    const container = { ...settings.container, stopGracePeriodMs: 20 * MINUTE };
    const spec = { settings: { ...settings, container } };
    const world = given({ ...strategy, progressDeadlineMs: MINUTE }, spec);
    world.engine.traits = { ...world.engine.traits, stopsAfterMs: 5 * MINUTE };
    world.release('v2');
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('a pull without any progress ends at the deadline', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.engine.pull('v2', { takesMs: HOUR, failures: 0, failure: 'network' });
    world.release('v2');
    world.run(61 * SECOND);
    expect(ending(world)).toBe('v2 rolled-back image-pull-failed');
  });

  it('a proxy that applies nothing is named, and the deadline ends it', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    for (const proxy of world.proxies) proxy.traits = { ...proxy.traits, appliesAfterMs: null };
    world.release('v2');
    world.run(20 * SECOND);
    expect(saying(world)).toBe('progressing waiting-for-proxies');
    world.runUntil(isIdle);
    const { last } = world.store.memory;
    expect(ending(world)).toBe('v2 rolled-back waiting-for-proxies');
    expect(world.store.quarantined).toEqual([]);
    expect(last?.message).toMatch(/Not every proxy has confirmed it\.$/);
    expect(reportOf(world).phase).toBe('idle');
  });

  it('an outage longer than the deadline turns no good release back', () => {
    const world = given(strategy);
    world.release('v2');
    world.run(3 * SECOND);
    world.absent(20 * MINUTE);
    world.settle();
    expect(ending(world)).toBe('v2 succeeded');
  });

  it('restarts renew no deadline for ever', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.engine.behave('v2', NEVER_READY);
    world.release('v2');
    for (let i = 0; i < 20 && (i === 0 || !isIdle(world)); i += 1) {
      world.run(20 * SECOND);
      world.crash();
    }
    world.settle();
    expect(ending(world)).toBe('v2 rolled-back progress-deadline');
    expect((world.store.memory.last?.endedAt ?? 0) - (world.store.memory.last?.startedAt ?? 0)).toBeLessThan(
      4 * MINUTE,
    );
  });
});

it('an outage on the way back does not end it before the stable revision is there', () => {
  const world = given(rolling());
  world.release('v2');
  world.runUntil((of) => weightOf(of, 2) > 60);
  world.command('abort');
  world.runUntil(says('aborting returning'));
  world.absent(20 * MINUTE);
  world.settle();
  expect(ending(world)).toBe('v2 aborted aborted-by-operator');
  expect(world.store.memory.last?.message).toBe('Aborted by an operator.');
});
