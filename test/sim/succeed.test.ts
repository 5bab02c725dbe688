// Given a stable v1, when v2 is released and is good: the four ways there, told move by move.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE } from './behaviour.ts';
import { ending, given, standing } from './scenario.ts';
import { blueGreen, canary, HOUR, recreate, rolling, SECOND, STRATEGIES } from './spec.ts';

const LONG_PAUSE = 90 * SECOND;
const steps = [
  { kind: 'weight', weight: 10, replicas: null },
  { kind: 'pause', durationMs: LONG_PAUSE },
  { kind: 'weight', weight: 50, replicas: null },
] as const;

describe('v2 after v1, 3 replicas', () => {
  it('recreate: everything old goes before anything new comes; requests park', () => {
    const world = given(recreate());
    world.release('v2');
    world.settle();
    expect(world.told()).toEqual([
      '+0.0s — version v2',
      '+0.0s route r1 100',
      '+0.0s resolve registry.example.com/shop/web:v2',
      '+0.3s route none, park',
      '+0.8s stop web-r1-1',
      '+0.8s stop web-r1-2',
      '+0.8s stop web-r1-3',
      '+1.8s start web-r2-1',
      '+1.8s start web-r2-2',
      '+1.8s start web-r2-3',
      '+9.4s route r2 100',
      '+39.4s route r2 100',
      '+39.4s succeeded web-2-8',
    ]);
  });

  it('rolling, start-first: one more at a time, never one less', () => {
    const world = given(rolling());
    world.release('v2');
    world.settle();
    expect(world.told()).toEqual([
      '+0.0s — version v2',
      '+0.0s route r1 100',
      '+0.0s resolve registry.example.com/shop/web:v2',
      '+0.3s start web-r2-1',
      '+7.9s route r1 67 r2 33',
      '+8.4s stop web-r1-3',
      '+9.4s start web-r2-2',
      '+17.0s route r1 33 r2 67',
      '+17.5s stop web-r1-2',
      '+18.5s start web-r2-3',
      '+26.1s route r2 100',
      '+26.7s stop web-r1-1',
      '+56.2s route r2 100',
      '+56.2s succeeded web-2-8',
    ]);
  });

  it('rolling, stop-first: one less at a time, never one more', () => {
    const world = given(rolling({ surge: { count: 0 }, unavailable: { count: 1 } }));
    world.release('v2');
    world.settle();
    const moves = world.told().map((line) => line.replace(/^\S+ /, ''));
    expect(moves.slice(3)).toEqual([
      'route r1 100',
      'stop web-r1-3',
      'start web-r2-1',
      'route r1 50 r2 50',
      'stop web-r1-2',
      'start web-r2-2',
      'route r2 100',
      'stop web-r1-1',
      'start web-r2-3',
      'route r2 100',
      'route r2 100',
      'succeeded web-2-8',
    ]);
  });

  it('blue-green: one switch, and the old one stays warm for keep_old', () => {
    const world = given(blueGreen());
    world.release('v2');
    world.settle();
    expect(world.told()).toEqual([
      '+0.0s — version v2',
      '+0.0s route r1 100',
      '+0.0s resolve registry.example.com/shop/web:v2',
      '+0.3s start web-r2-1',
      '+0.3s start web-r2-2',
      '+0.3s start web-r2-3',
      '+7.9s route r2 100',
      '+37.9s route r2 100',
      '+37.9s succeeded web-2-8',
    ]);
    expect(standing(world)).toBe('v1×3, v2×3, route r2 100');
    world.run(299 * SECOND);
    expect(standing(world)).toBe('v1×3, v2×3, route r2 100');
    world.run(3 * SECOND);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('canary: a share, a hold, more, all; the old ones go after the bake', () => {
    const world = given(canary({ steps }));
    world.release('v2');
    world.settle();
    expect(world.told()).toEqual([
      '+0.0s — version v2',
      '+0.0s route r1 100',
      '+0.0s resolve registry.example.com/shop/web:v2',
      '+0.3s start web-r2-1',
      '+7.9s route r1 90 r2 10',
      '+97.9s start web-r2-2',
      '+105.5s route r1 50 r2 50',
      '+105.5s start web-r2-3',
      '+113.1s route r2 100',
      '+143.2s route r2 100',
      '+143.2s succeeded web-2-8',
      '+143.2s stop web-r1-1',
      '+143.2s stop web-r1-2',
      '+143.2s stop web-r1-3',
    ]);
  });
});

describe.each(STRATEGIES)('$type', (strategy) => {
  it.each([1, 2, 10])('replaces %i replicas and leaves nothing behind', (replicas) => {
    const world = given(strategy, { replicas });
    world.release('v2');
    world.settle();
    world.run(HOUR);
    expect(ending(world)).toBe('v2 succeeded');
    expect(standing(world)).toBe(`v2×${replicas}, route r2 100`);
  });

  it.each([0, 2, 3])('does so with %i proxies', (proxies) => {
    const world = given(strategy, {}, proxies);
    world.release('v2');
    world.settle();
    world.run(HOUR);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('does so without a port, without any table', () => {
    const world = given(strategy);
    world.respec({ ...world.spec, settings: { ...world.spec.settings, port: null } });
    world.settle();
    world.release('v2');
    world.settle();
    world.run(HOUR);
    expect(ending(world)).toBe('v2 succeeded');
    expect(standing(world)).toBe('v2×3, route gone');
  });

  it('keeps the stable revision before this one, whatever failed in between', () => {
    const world = given(strategy, { history: 2 });
    for (const bad of ['bad1', 'bad2', 'bad3']) {
      world.engine.behave(bad, EXITS_AT_ONCE);
      world.release(bad);
      world.settle();
    }
    world.release('v2');
    world.settle();
    expect(world.store.revisions.map(({ version }) => version)).toEqual(['v1', 'v2']);
    world.command('rollback');
    world.settle();
    expect(ending(world)).toBe('v1 succeeded');
  });

  it('lets go of what failed, too', () => {
    const world = given(strategy, { history: 2 });
    for (const bad of ['bad1', 'bad2', 'bad3', 'bad4', 'bad5']) {
      world.engine.behave(bad, EXITS_AT_ONCE);
      world.release(bad);
      world.settle();
    }
    const kept = world.store.revisions.map(({ version }) => version);
    expect(kept[0]).toBe('v1');
    expect(kept).not.toContain('bad3');
  });

  it('keeps no revision beyond the window of history', () => {
    const world = given(strategy, { history: 2 });
    for (const version of ['v2', 'v3', 'v4', 'v5']) {
      world.release(version);
      world.settle();
      world.run(HOUR);
    }
    expect(world.store.revisions.map((r) => r.number)).toEqual([4, 5]);
  });
});
