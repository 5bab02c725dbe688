// Given a stable v2, when v3 is bad in one of the ways there are, then v2 serves on alone and the verdict says why.
import { describe, expect, it } from 'vitest';
import {
  type Behaviour,
  crashesAfter,
  EXITS_AT_ONCE,
  GOOD,
  MISSING,
  NEVER_READY,
  OUT_OF_MEMORY,
  type Pull,
  RATE_LIMITED,
  RESTARTS,
  refusedWith,
  turnsSickAfter,
} from './behaviour.ts';
import { endings, given, reportOf, standing, weightOf } from './scenario.ts';
import { blueGreen, canary, HOUR, MINUTE, SECOND, STRATEGIES } from './spec.ts';
import type { SimWorld } from './world.ts';

const steps = [
  { kind: 'weight', weight: 10, replicas: null },
  { kind: 'pause', durationMs: 10 * SECOND },
] as const;
const strategies = STRATEGIES.map((strategy) => (strategy.type === 'canary' ? canary({ steps }) : strategy));

function givenV2(strategy: (typeof strategies)[number]): SimWorld {
  const world = given(strategy);
  world.release('v2');
  world.settle();
  world.run(HOUR);
  world.mark();
  return world;
}

/** Ready before min_ready is over, bad within the bake of every strategy. */
const IN_THE_BAKE = 25 * SECOND;

const CONDEMNED: readonly (readonly [string, Behaviour, string, RegExp])[] = [
  ['exits at once', EXITS_AT_ONCE, 'container-exited', /^web-r3-\d exited with code 3\.$/],
  ['is killed for its memory', OUT_OF_MEMORY, 'out-of-memory', /^web-r3-\d was killed: out of memory\.$/],
  ['is restarted by the engine', RESTARTS, 'container-exited', /^web-r3-\d exited with code 3\.$/],
  ['never gets ready', NEVER_READY, 'probe-failed', /^web-r3-\d failed its probe 3 times in a row: GET/],
  ['crashes before it is available', crashesAfter(4 * SECOND), 'container-exited', /exited with code 1/],
  ['crashes in the bake', crashesAfter(IN_THE_BAKE), 'container-exited', /exited with code 1/],
  ['turns sick in the bake', turnsSickAfter(IN_THE_BAKE), 'probe-failed', /GET \/health → 500/],
  ['cannot be started', refusedWith('container-start-failed'), 'container-start-failed', /^start web-r3-1/],
];

describe.each(strategies)('$type', (strategy) => {
  it.each(CONDEMNED)(
    'a version that %s is rolled back, with evidence, and into quarantine',
    (_, behaviour, reason, message) => {
      const world = givenV2(strategy);
      world.engine.behave('v3', behaviour);
      world.release('v3');
      world.settle();
      expect(endings(world)).toEqual(['v1 succeeded', 'v2 succeeded', `v3 rolled-back ${reason}`]);
      const last = world.store.history.at(-1);
      expect(last?.message).toMatch(message);
      expect(last?.evidence.length).toBeGreaterThan(0);
      expect(last?.evidence.every(({ replica }) => replica.startsWith('web-r3-'))).toBe(true);
      expect(world.store.quarantined).toEqual(['sha256:v3']);
      world.run(2 * HOUR);
      expect(standing(world)).toBe('v2×3, route r2 100');
      expect(endings(world)).toHaveLength(3);
      expect(reportOf(world)).toMatchObject({ phase: 'idle', reason: 'quarantined', candidate: null });
    },
  );

  it('a version that never makes progress ends at the deadline, when probes alone do not condemn it', () => {
    const patient = { ...strategy, progressDeadlineMs: 20 * SECOND };
    const world = givenV2(patient);
    world.engine.behave('v3', NEVER_READY);
    world.release('v3');
    world.settle();
    expect(endings(world).at(-1)).toBe('v3 rolled-back progress-deadline');
    expect(world.store.quarantined).toEqual(['sha256:v3']);
    expect(world.store.history.at(-1)?.message).toContain('GET /health → 500');
  });

  it.each(['name-conflict', 'network-missing'] as const)(
    '%s waits for the deadline, and condemns nobody',
    (reason) => {
      const world = givenV2({ ...strategy, progressDeadlineMs: MINUTE });
      world.engine.behave('v3', refusedWith(reason));
      world.release('v3');
      world.settle();
      expect(endings(world).at(-1)).toBe(`v3 rolled-back ${reason}`);
      expect(world.store.quarantined).toEqual([]);
      expect(standing(world)).toBe('v2×3, route r2 100');
    },
  );

  const PULLS: readonly (readonly [string, Pull, number])[] = [
    ['missing: three tries within 15 s', MISSING, 15 * SECOND],
    ['refused by rate: tried until the deadline', RATE_LIMITED, 11 * MINUTE],
  ];
  it.each(PULLS)('an image that is %s stops nothing and condemns nobody', (_, pull, withinMs) => {
    const world = givenV2(strategy);
    world.engine.pull('v3', pull);
    world.release('v3');
    world.run(withinMs);
    expect(endings(world).at(-1)).toBe('v3 rolled-back image-pull-failed');
    expect(world.store.quarantined).toEqual([]);
    expect(world.told().filter((line) => /start|stop|remove/.test(line))).toEqual([]);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('the same digest again is refused in quarantine; retry runs it again', () => {
    const world = givenV2(strategy);
    world.engine.behave('v3', (start) =>
      start < 1 ? EXITS_AT_ONCE : { ...NEVER_READY, readyAfterMs: 1000 },
    );
    world.release('v3');
    world.settle();
    world.release('v3');
    world.settle();
    expect(endings(world).at(-1)).toBe('v3 rolled-back quarantined');
    expect(world.engine.started.filter((name) => name.startsWith('web-r4'))).toEqual([]);
    world.engine.behave('v3', { ...NEVER_READY, readyAfterMs: 1000 });
    world.command('retry');
    world.settle();
    expect(endings(world).at(-1)).toBe('v3 succeeded');
    expect(world.store.quarantined).toEqual([]);
    world.run(HOUR);
    expect(standing(world)).toBe('v3×3, route r4 100');
  });

  it('another tag of a bad digest is refused as well', () => {
    const world = givenV2(strategy);
    world.engine.behave('v3', EXITS_AT_ONCE);
    world.engine.alias('v3-again', 'v3');
    world.release('v3');
    world.settle();
    world.release('v3-again');
    world.settle();
    expect(endings(world).at(-1)).toBe('v3-again rolled-back quarantined');
  });

  it('a digest that the stable revision runs is never put into quarantine', () => {
    const world = givenV2(strategy);
    world.engine.behave('v2', (start) => (start < 6 ? EXITS_AT_ONCE : GOOD));
    const { settings } = world.spec;
    const container = { ...settings.container, environment: { BROKEN: '1' } };
    world.respec({ ...world.spec, settings: { ...settings, container } });
    world.runUntil(({ store }) => store.history.length === 3);
    expect(endings(world).at(-1)).toBe('v2 rolled-back container-exited');
    expect(world.store.quarantined).toEqual([]);
  });

  it('while it is judged, what is stable never gets less than its share', () => {
    const world = givenV2(strategy);
    world.engine.behave('v3', NEVER_READY);
    world.release('v3');
    do {
      world.run(500);
      if (strategy.type !== 'recreate') expect(weightOf(world, 2)).toBe(100);
    } while (world.store.history.length < 3);
    expect(endings(world).at(-1)).toBe('v3 rolled-back probe-failed');
  });
});

it('a bake does not end in the middle of a streak of failing probes', () => {
  const world = givenV2(blueGreen());
  // All three are ready within a second, available after min_ready (5 s), and baked 30 s later.
  world.engine.behave('v3', turnsSickAfter(34 * SECOND));
  world.release('v3');
  world.settle();
  expect(endings(world).at(-1)).toBe('v3 rolled-back probe-failed');
});
