import { describe, expect, it } from 'vitest';
import { type Goal, goalOf } from '../../strategies/course.ts';
import { describeRoute } from '../../strategies/describe.ts';
import type { Memory, Replica } from '../../strategies/model.ts';
import {
  effectiveSplit,
  formatProxySettings,
  isCarried,
  isGone,
  isServed,
  orderForLeaving,
  planRoute,
  routableOf,
} from '../../strategies/route.ts';
import { membersOf } from '../../strategies/world.ts';
import { blueGreen, specOf, withSettings } from '../sim/spec.ts';
import { NOW, ready, replica, revision, rollout, routed, SPEC, world } from './fixture.ts';

const names = (members: readonly { readonly replica: Replica }[]) => members.map((m) => m.replica.name);
const memory = { rollout: rollout() };
const min = { minReadyMs: 5000 };

describe('orderForLeaving: out of the table first, unready first, then the highest ordinal', () => {
  it('is by use, not by age', () => {
    const serving = replica('web-r1-3', { readyForMs: 1 });
    const w = world({
      replicas: [replica('web-r1-1', { readyForMs: 1 }), replica('web-r1-2'), serving, replica('web-r1-4')],
      ...routed({ 1: 100 }, [serving]),
    });
    expect(names(orderForLeaving(membersOf(w, 1)))).toEqual(['web-r1-4', 'web-r1-2', 'web-r1-1', 'web-r1-3']);
  });
});

describe('routableOf', () => {
  const goal = goalOf({ 1: 2, 2: 1 }, { 1: 90, 2: 10 });

  it('a candidate takes traffic after min_ready, a stable replica when it is ready', () => {
    const spec = specOf({ ...SPEC.strategy, ...min });
    const young = [replica('web-r1-1', { readyForMs: 1 }), replica('web-r2-1', { readyForMs: 4999 })];
    const w = world({ spec, memory, replicas: young });
    expect([names(routableOf(w, goal, 1)), names(routableOf(w, goal, 2))]).toEqual([['web-r1-1'], []]);
  });

  it('leaves out who is to leave, the lowest ordinals stay', () => {
    expect(names(routableOf(world({ replicas: ready(1, 4) }), goal, 1))).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('keeps all that is ready when the surplus is not', () => {
    const replicas = [...ready(1, 2), replica('web-r1-3')];
    expect(names(routableOf(world({ replicas }), goal, 1))).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('never has a replica without an address', () => {
    expect(routableOf(world({ replicas: ready(1, 1, { address: null }) }), goal, 1)).toEqual([]);
  });
});

describe('planRoute', () => {
  it('says of each replica what its own revision speaks', () => {
    const settings = { ...SPEC.settings, protocol: 'h2c' as const };
    const revisions = [revision(1), revision(2, { settings })];
    const w = world({ memory, revisions, replicas: [...ready(1, 1), ...ready(2, 1)] });
    const targets = planRoute(w, goalOf({ 1: 1, 2: 1 }, { 1: 50, 2: 50 }))?.targets;
    expect(targets?.map((target) => [target.revision, target.protocol])).toEqual([
      [1, undefined],
      [2, 'h2c'],
    ]);
    expect(targets?.[0]).not.toHaveProperty('protocol');
  });

  it('names the targets of every weight, the roles, and the settings as text', () => {
    const entry = planRoute(world({ memory, replicas: [...ready(1, 2), ...ready(2, 1)] }), {
      ...goalOf({ 1: 2, 2: 1 }, { 1: 67, 2: 33 }),
      needed: { 1: 2, 2: 1 },
    });
    expect(entry).toEqual({
      routes: [{ host: '*', path: '/' }],
      split: { 1: 67, 2: 33 },
      roles: { stable: 1, candidate: 2 },
      coming: false,
      targets: [
        { revision: 1, address: '10.0.1.1:8080' },
        { revision: 1, address: '10.0.1.2:8080' },
        { revision: 2, address: '10.0.2.1:8080' },
      ],
      preview: null,
      match: null,
      mirror: null,
      proxy: formatProxySettings(SPEC),
    });
  });

  it.each([
    ['parks while one is coming', { 1: 3 }, 'route none, park'],
    ['does not when nothing is wanted', {}, 'route none'],
  ])('%s', (_, wanted, text) => {
    expect(describeRoute(planRoute(world(), goalOf(wanted, { 1: 100 })))).toBe(text);
  });

  it('a revision without a ready replica has no weight and no target', () => {
    const w = world({ memory, replicas: [...ready(1, 3), replica('web-r2-1')] });
    const entry = planRoute(w, goalOf({ 1: 3, 2: 1 }, { 1: 90, 2: 10 }));
    expect([entry?.split, entry?.targets.length]).toEqual([{ 1: 100 }, 3]);
  });

  it('the revisions of a rollout, and a warm one, are in the table without a weight where assets may be theirs', () => {
    const proxy = { ...SPEC.proxy, assets: ['/assets/*'] };
    const spec = specOf(blueGreen({ minReadyMs: 0 }), { proxy, replicas: 1 });
    const replicas = [...ready(1, 1), ...ready(2, 1), ...ready(3, 1)];
    const of = (memory: Partial<Memory>) => ({
      ...{ spec, memory, replicas, revisions: [revision(1), revision(2), revision(3)] },
    });
    const targets = (memory: Partial<Memory>, goal: Goal, given = {}) =>
      planRoute(world({ ...of(memory), ...given }), goal)?.targets.map((target) => target.revision);
    const goal = goalOf({ 1: 1, 2: 1, 3: 1 }, { 1: 100 });
    expect(targets({ stable: 1, rollout: rollout({ revision: 2 }) }, goal)).toEqual([1, 2]);
    expect(targets({ stable: 1, warm: { revision: 3, until: NOW + 1 } }, goal)).toEqual([1, 3]);
    expect(targets({ stable: 1, rollout: rollout({ revision: 2 }) }, goalOf({ 1: 1 }, { 1: 100 }))).toEqual([
      1,
    ]);
    expect(
      targets({ stable: 1, rollout: rollout({ revision: 2 }) }, goal, {
        spec: specOf(blueGreen({ minReadyMs: 0 }), { replicas: 1 }),
      }),
    ).toEqual([1]);
  });

  it('a preview is in the table without a weight, and only while it has a target', () => {
    const spec = specOf(blueGreen({ preview: { host: 'p.example.com' }, minReadyMs: 0 }));
    const goal = { ...goalOf({ 1: 3, 2: 3 }, { 1: 100 }), preview: 2, guarded: 2 };
    const up = planRoute(world({ spec, memory, replicas: [...ready(1, 3), ...ready(2, 3)] }), goal);
    expect([up?.split, up?.targets.length, up?.preview]).toEqual([
      { 1: 100 },
      6,
      { host: 'p.example.com', revision: 2 },
    ]);
    expect(planRoute(world({ spec, memory, replicas: ready(1, 3) }), goal)?.preview).toBeNull();
  });

  it('parks nobody for a service that gives its port up', () => {
    const spec = withSettings(SPEC, { port: null });
    const entry = planRoute(world({ spec, replicas: [replica('web-r1-1')] }), goalOf({ 1: 3 }, { 1: 100 }));
    expect(describeRoute(entry)).toBe('route none');
  });

  it('there is none without a port, once nothing has an address any more', () => {
    const spec = withSettings(SPEC, { port: null });
    const goal = goalOf({ 1: 3 }, { 1: 100 });
    expect(planRoute(world({ spec, replicas: ready(1, 3, { address: null }) }), goal)).toBeNull();
    expect(describeRoute(planRoute(world({ spec, replicas: ready(1, 3) }), goal))).toBe('route r1 100');
    expect(describeRoute(planRoute(world({ spec, replicas: ready(1, 3) }), goalOf({}, {})))).toBe(
      'route none',
    );
  });
});

describe('isServed: stored, applied by every live proxy, and as desired', () => {
  const replicas = ready(1, 3);
  const goal = goalOf({ 1: 3 }, { 1: 100 });
  const proxy = { id: 'p1', applied: 50, busy: {}, refused: {} };
  it.each([
    ['applied', { proxies: [proxy] }, true],
    ['nobody to apply it', { proxies: [] }, true],
    ['one is behind', { proxies: [proxy, { ...proxy, applied: 49 }] }, false],
    ['one refuses it', { proxies: [{ ...proxy, refused: { web: 'no' } }] }, false],
    ['one refuses that of another service', { proxies: [{ ...proxy, refused: { shop: 'no' } }] }, true],
    ['another split is stored', { ...routed({ 2: 100 }, replicas) }, false],
    ['none is stored', { route: null }, false],
    ['not enough are ready for it', { replicas: [] }, false],
  ])('%s', (_, given, served) => {
    expect(isServed(world({ replicas, ...routed({ 1: 100 }, replicas), ...given }), goal)).toBe(served);
  });

  it('without replicas, nothing is served, and that is as desired', () => {
    const spec = { ...SPEC, replicas: 0 };
    expect(isServed(world({ spec, ...routed({}, []) }), goalOf({ 1: 0 }, { 1: 100 }))).toBe(true);
  });

  it('by a revision from before the service had a port, nothing can be', () => {
    const revisions = [revision(1, { settings: { ...SPEC.settings, port: null } })];
    const given = { revisions, replicas: ready(1, 3, { address: null }), ...routed({}, []) };
    expect(isServed(world(given), goal)).toBe(true);
  });
});

describe('effectiveSplit', () => {
  it('counts only what is wanted', () => {
    const w = world({ memory, replicas: [...ready(1, 3), ...ready(2, 3)] });
    expect(effectiveSplit(w, goalOf({ 1: 3 }, { 1: 100 }))).toEqual({ 1: 100 });
  });

  it('a step whose replicas are not all there yet has that much less', () => {
    const w = world({ memory, replicas: [...ready(1, 3), ...ready(2, 1)] });
    const goal = { ...goalOf({ 1: 3, 2: 2 }, { 1: 50, 2: 50 }), needed: { 2: 2 }, guarded: 2 };
    expect(effectiveSplit(w, goal)).toEqual({ 1: 75, 2: 25 });
  });
});

describe('isCarried: at least its weight, and all that can be had is served', () => {
  const both = [...ready(1, 3), ...ready(2, 1)];
  const goal = { ...goalOf({ 1: 3, 2: 1 }, { 1: 90, 2: 10 }), needed: { 2: 1 } };
  const served = (split: Readonly<Record<number, number>>, replicas: readonly Replica[] = both) => ({
    ...{ memory, replicas, ...routed(split, replicas) },
  });
  it.each<readonly [string, Parameters<typeof world>[0], boolean]>([
    ['served as wanted', served({ 1: 90, 2: 10 }), true],
    ['more of it, for want of others', served({ 2: 100 }, ready(2, 1)), true],
    ['less of it: its replica is not there', served({ 1: 100 }, ready(1, 3)), false],
    ['the table is another', served({ 1: 100 }), false],
    ['there is no table', { memory, replicas: both }, false],
    [
      'a proxy is behind',
      { ...served({ 1: 90, 2: 10 }), proxies: [{ id: 'p', applied: 49, busy: {}, refused: {} }] },
      false,
    ],
    ['without a port there is none', { spec: withSettings(SPEC, { port: null }) }, true],
    [
      'without replicas there is nothing to carry',
      { spec: { ...SPEC, replicas: 0 }, ...routed({}, []) },
      true,
    ],
  ])('%s', (_, given, carried) => {
    expect(isCarried(world(given), goal, 2)).toBe(carried);
  });
});

describe('isGone', () => {
  it('in any state it is not', () => {
    expect(isGone(world({ replicas: ready(2, 1, { stopping: true }) }), 2)).toBe(false);
    expect(isGone(world({ replicas: ready(1, 1) }), 2)).toBe(true);
  });
});

describe('planRoute: in detail', () => {
  const spec = specOf(blueGreen({ preview: { host: 'p.example.com' }, minReadyMs: 0 }));
  const both = [...ready(1, 3), ...ready(2, 3)];
  const goal = { ...goalOf({ 1: 3, 2: 3 }, { 1: 100 }), preview: 2, guarded: 2 };

  it.each([
    ['without a host of its own', specOf(blueGreen({ preview: null, minReadyMs: 0 })), goal],
    ['of another strategy', SPEC, goal],
    ['that nobody wants', spec, { ...goal, preview: null }],
  ])('there is no preview %s', (_, of, wanted) => {
    expect(planRoute(world({ spec: of, memory, replicas: both }), wanted)?.preview).toBeNull();
  });

  it('what is stable is no candidate', () => {
    const under = { rollout: rollout({ revision: 1, kind: 'rollback' }) };
    const entry = planRoute(world({ memory: under, replicas: ready(1, 3) }), goalOf({ 1: 3 }, { 1: 100 }));
    expect(entry?.roles).toEqual({ stable: 1, candidate: null });
  });

  it('of no weight there is none in the split', () => {
    const entry = planRoute(world({ memory, replicas: both }), goalOf({ 1: 3, 2: 3 }, { 1: 100 }));
    expect(entry?.split).toEqual({ 1: 100 });
  });

  it('there is one while anything has an address, also without a port', () => {
    const portless = withSettings(SPEC, { port: null });
    const replicas = [...ready(1, 1), replica('web-r1-2', { address: null })];
    expect(planRoute(world({ spec: portless, replicas }), goalOf({ 1: 2 }, { 1: 100 }))).not.toBeNull();
  });

  it('of a service that goes for good nothing is left, not even its routes', () => {
    const entry = planRoute(world({ replicas: ready(1, 3) }), goalOf({}, {}));
    expect(entry).toMatchObject({ routes: [], split: {}, targets: [], coming: false, preview: null });
    expect(planRoute(world({ replicas: [] }), goalOf({}, {}))?.routes).toEqual([{ host: '*', path: '/' }]);
  });

  it('affinity is told as text', () => {
    const proxy = { ...SPEC.proxy, affinity: { cookie: 'stick', ttlMs: 3_600_000 } };
    expect(formatProxySettings({ ...SPEC, proxy }).affinity).toEqual({ cookie: 'stick', ttl: '1h' });
  });
});

describe('isServed: where there is nothing to wait for', () => {
  it('without a port', () => {
    const given = { spec: withSettings(SPEC, { port: null }), replicas: ready(1, 3) };
    expect(isServed(world(given), goalOf({ 1: 3 }, { 1: 100 }))).toBe(true);
  });

  it('but not where one of two revisions has the port', () => {
    const revisions = [revision(1, { settings: { ...SPEC.settings, port: null } }), revision(2)];
    const given = { revisions, replicas: [], ...routed({}, []) };
    expect(isServed(world(given), goalOf({ 1: 3, 2: 3 }, { 1: 50, 2: 50 }))).toBe(false);
  });
});

describe('effectiveSplit: the candidate on trial', () => {
  const w = world({ memory, replicas: [...ready(1, 1), ...ready(2, 3)] });
  const goal = { ...goalOf({ 1: 3, 2: 1 }, { 1: 90, 2: 10 }), needed: { 2: 1 } };
  it.each([
    ['takes over nothing', 2, { 1: 90, 2: 10 }],
    ['takes its part where nobody guards it', null, { 1: 50, 2: 50 }],
  ])('%s', (_, guarded, split) => {
    expect(effectiveSplit(w, { ...goal, guarded })).toEqual(split);
  });
});

describe('formatProxySettings', () => {
  it('durations are text', () => {
    const proxy = {
      ...{ timeoutMs: 30_000, idleTimeoutMs: 60_000, retries: 2, maxBodyBytes: 7, headers: { a: 'b' } },
      ...{ park: { timeoutMs: 5000, maxRequests: 9 }, affinity: null },
      ...{ ejection: { errors: 4, timeMs: 90_000 }, slowStartMs: 30_000, retryPercent: 10, assets: ['*.js'] },
      maintenance: { message: 'later', retryAfterMs: 120_000, allow: ['/up'] },
    };
    expect(formatProxySettings({ ...SPEC, proxy })).toEqual({
      ...{ timeout: '30s', idle_timeout: '1m', retries: 2, max_body: 7, headers: { a: 'b' } },
      ...{ park: { timeout: '5s', max_requests: 9 }, affinity: null },
      ...{ ejection: { errors: 4, time: '1m30s' }, slow_start: '30s', retry_budget: 10, assets: ['*.js'] },
      maintenance: { message: 'later', retry_after: '2m', allow: ['/up'] },
    });
  });

  it('what is off is null', () => {
    const proxy = { ...SPEC.proxy, ejection: null, slowStartMs: null, maintenance: null };
    expect(formatProxySettings({ ...SPEC, proxy })).toMatchObject({
      ...{ ejection: null, slow_start: null, maintenance: null },
    });
  });

  it('none of a service without replicas is coming', () => {
    expect(planRoute(world(), goalOf({ 1: 0 }, { 1: 100 }))?.coming).toBe(false);
  });
});
