import { describe, expect, it } from 'vitest';
import { converge, takeBack } from '../../strategies/converge.ts';
import { type Goal, goalOf } from '../../strategies/course.ts';
import { describeAction } from '../../strategies/describe.ts';
import { withSettings } from '../sim/spec.ts';
import {
  addressOf,
  type Given,
  NOW,
  ready,
  replica,
  revision,
  rollout,
  routed,
  SPEC,
  world,
} from './fixture.ts';

const WANT_3 = goalOf({ 1: 3 }, { 1: 100 });
const act = (given: Given, goal: Goal = WANT_3) => converge(world(given), goal).actions.map(describeAction);

describe('what leaves is stopped only after it is out of every table and its requests have ended', () => {
  const leaving = replica('web-r1-4', { readyForMs: 1 });
  const restarting = replica('web-r1-4', { state: 'restarting', address: null });
  const replicas = [...ready(1, 3), leaving];
  const memory = { draining: { 'web-r1-4': NOW - 1000 } };
  const proxy = { id: 'p1', applied: 50, busy: {}, refused: {} };
  const busy = { [`1@${addressOf('web-r1-4')}`]: 2 };
  const out = { memory, replicas, ...routed({ 1: 100 }, ready(1, 3)), proxies: [proxy] };

  it.each<readonly [string, Given, readonly string[]]>([
    ['out and idle: stop', out, ['stop web-r1-4']],
    ['the stored table names it', { ...out, ...routed({ 1: 100 }, replicas) }, []],
    ['a proxy is behind', { ...out, proxies: [proxy, { ...proxy, applied: 49 }] }, []],
    ['a proxy refuses the table', { ...out, proxies: [{ ...proxy, refused: { web: 'no' } }] }, []],
    ['requests are in flight on any proxy', { ...out, proxies: [proxy, { ...proxy, busy }] }, []],
    [
      'until drain_timeout has passed',
      { ...out, proxies: [{ ...proxy, busy }], memory: { draining: { 'web-r1-4': NOW - 30_000 } } },
      ['stop web-r1-4'],
    ],
    ['no proxy lives', { ...out, proxies: [] }, ['stop web-r1-4']],
    ['no table is stored', { ...out, route: null }, ['stop web-r1-4']],
    ['the stop is under way', { ...out, replicas: [...ready(1, 3), { ...leaving, stopping: true }] }, []],
    [
      'the engine starts it again, and the table names the address that it had',
      { ...out, ...routed({ 1: 100 }, replicas), replicas: [...ready(1, 3), restarting] },
      [],
    ],
    [
      'the engine starts it again, and the table names an unseen address of another revision',
      {
        ...out,
        ...routed({ 1: 100 }, [...ready(1, 3), replica('web-r2-1')]),
        replicas: [...ready(1, 3), restarting],
      },
      ['stop web-r1-4'],
    ],
    [
      'the engine starts it again, and the table does not',
      { ...out, replicas: [...ready(1, 3), restarting] },
      ['stop web-r1-4'],
    ],
    [
      'it has ended',
      { ...out, replicas: [...ready(1, 3), { ...leaving, state: 'exited' }] },
      ['remove web-r1-4'],
    ],
    [
      'it never ran',
      { ...out, replicas: [...ready(1, 3), replica('web-r1-4', { state: 'created' })] },
      ['remove web-r1-4'],
    ],
  ])('%s', (_, given, actions) => {
    expect(act(given)).toEqual(actions);
  });

  it('without a port and an address there is nothing to wait for', () => {
    const spec = withSettings(SPEC, { port: null });
    const portless = ready(1, 4, { address: null });
    expect(act({ spec, replicas: portless })).toEqual(['stop web-r1-4']);
  });

  it('it is remembered since when it leaves, and that a stop was decided', () => {
    const first = converge(world({ replicas, ...routed({ 1: 100 }, replicas) }), WANT_3);
    expect([first.draining, first.dismissed]).toEqual([{ 'web-r1-4': NOW }, []]);
    const then = converge(world(out), WANT_3);
    expect([then.draining, then.dismissed]).toEqual([{ 'web-r1-4': NOW - 1000 }, ['web-r1-4']]);
  });

  it('while the stop is under way both are kept, so that a new controller does not take it back', () => {
    const stopping = { ...leaving, stopping: true };
    const given = {
      ...out,
      memory: { ...memory, dismissed: ['web-r1-4'] },
      replicas: [...ready(1, 3), stopping],
    };
    const { draining, dismissed } = converge(world(given), WANT_3);
    expect([draining, dismissed]).toEqual([memory.draining, ['web-r1-4']]);
  });

  it('counts drain_timeout only while somebody watches', () => {
    const old = { draining: { 'web-r1-4': NOW - 3_600_000 } };
    const given = { ...out, proxies: [{ ...proxy, busy }], memory: old };
    const at = (watchedForMs: number) => {
      const { actions, wakeups } = converge(world({ ...given, watchedSince: NOW - watchedForMs }), WANT_3);
      return [actions.map(describeAction), wakeups[0]];
    };
    expect(at(29_000)).toEqual([[], NOW + 1000]);
    expect(at(30_000)).toEqual([['stop web-r1-4'], null]);
  });

  it('wakes at the end of drain_timeout', () => {
    expect(converge(world({ ...out, proxies: [{ ...proxy, busy }] }), WANT_3).wakeups).toContain(
      NOW + 29_000,
    );
  });
});

describe('who leaves', () => {
  it.each<readonly [string, Given, Goal, readonly string[]]>([
    ['what is not wanted', { replicas: ready(2, 2) }, goalOf({}, {}), ['stop web-r2-1', 'stop web-r2-2']],
    [
      'surplus, unready first',
      { replicas: [replica('web-r1-1'), ...ready(1, 4).slice(1)] },
      WANT_3,
      ['stop web-r1-1'],
    ],
    [
      'a failed one that may be replaced',
      { replicas: [...ready(1, 2), replica('web-r1-3', { state: 'exited' })] },
      WANT_3,
      ['remove web-r1-3'],
    ],
  ])('%s', (_, given, goal, actions) => {
    expect(act(given, goal)).toEqual(actions);
  });

  it('not a failed candidate: that is for a verdict to say', () => {
    const failed = replica('web-r2-1', { state: 'exited' });
    const goal = goalOf({ 1: 3, 2: 1 }, { 1: 100 });
    expect(act({ memory: { rollout: rollout() }, replicas: [...ready(1, 3), failed] }, goal)).toEqual([]);
  });

  it('a failed candidate that was forgiven, but not in a pause', () => {
    const replicas = [...ready(1, 3), replica('web-r2-1', { state: 'exited' })];
    const goal = goalOf({ 1: 3, 2: 1 }, { 1: 100 });
    const forgiven = rollout({ forgiven: ['id-web-r2-1'] });
    expect(act({ memory: { rollout: forgiven }, replicas }, goal)).toEqual(['remove web-r2-1']);
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    expect(act({ memory: { rollout: { ...forgiven, paused } }, replicas }, goal)).toEqual([]);
  });
});

describe('takeBack: wanted after all', () => {
  const draining = { 'web-r1-3': NOW - 100, 'web-r1-4': NOW - 100 };
  const taken = (given: Given, goal = WANT_3) => takeBack(world(given), goal)?.memory.draining ?? null;

  it('as many as are missing come back, before anything is started', () => {
    const given = { memory: { draining }, replicas: ready(1, 4) };
    expect(taken(given)).toEqual({ 'web-r1-4': NOW - 100 });
  });

  it.each<readonly [string, Given]>([
    ['nothing is missing', { memory: { draining: { 'web-r1-4': 0 } }, replicas: ready(1, 4) }],
    [
      'a stop was decided for it',
      { memory: { draining: { 'web-r1-3': 0 }, dismissed: ['web-r1-3'] }, replicas: ready(1, 3) },
    ],
    [
      'a stop is under way',
      {
        memory: { draining: { 'web-r1-3': 0 } },
        replicas: [...ready(1, 2), replica('web-r1-3', { stopping: true })],
      },
    ],
    [
      'it has ended',
      {
        memory: { draining: { 'web-r1-3': 0 } },
        replicas: [...ready(1, 2), replica('web-r1-3', { state: 'exited' })],
      },
    ],
    [
      'it is sick',
      {
        memory: { draining: { 'web-r1-3': 0 } },
        replicas: [...ready(1, 2), replica('web-r1-3', { unhealthyForMs: 1 })],
      },
    ],
  ])('not when %s', (_, given) => {
    expect(taken(given)).toBeNull();
  });
});

describe('how it leaves', () => {
  const slow = { ...SPEC.settings, container: { ...SPEC.settings.container, stopGracePeriodMs: 77_000 } };
  const spec = { ...SPEC, settings: slow };

  it.each([
    ['with the grace of its own revision', [revision(1), revision(2)], 10_000],
    ['of an unknown one with that of the spec', [revision(2)], 77_000],
  ])('%s', (_, revisions, graceMs) => {
    const { actions } = converge(world({ spec, revisions, replicas: ready(1, 1) }), goalOf({}, {}));
    expect(actions).toEqual([{ kind: 'stop', name: 'web-r1-1', id: 'id-web-r1-1', graceMs }]);
  });

  it('what is dead is removed', () => {
    expect(act({ replicas: ready(1, 1, { state: 'dead' }) }, goalOf({}, {}))).toEqual(['remove web-r1-1']);
  });

  it('what ended by itself was not dismissed', () => {
    const { dismissed } = converge(world({ replicas: ready(1, 1, { state: 'exited' }) }), goalOf({}, {}));
    expect(dismissed).toEqual([]);
  });

  const proxy = { id: 'p1', applied: 49, busy: {}, refused: {} };
  const behind = { proxies: [proxy], ...routed({ 1: 100 }, []) };
  it.each<readonly [string, Given]>([
    ['without an address', { replicas: ready(1, 1, { address: null }) }],
    [
      'without a port, while it has an address',
      { spec: withSettings(SPEC, { port: null }), replicas: ready(1, 1) },
    ],
  ])('%s it waits for the proxies, too', (_, given) => {
    expect(act({ ...behind, ...given }, goalOf({}, {}))).toEqual([]);
  });

  it('without an address there are no requests to wait for', () => {
    const known = { proxies: [{ ...proxy, applied: 50 }], ...routed({ 1: 100 }, []) };
    expect(act({ ...known, replicas: ready(1, 1, { address: null }) }, goalOf({}, {}))).toEqual([
      'stop web-r1-1',
    ]);
  });

  it('a failed candidate that nobody wants does not wait for a verdict', () => {
    const memory = { rollout: rollout() };
    const replicas = [...ready(1, 3), replica('web-r2-1', { state: 'exited' })];
    expect(act({ memory, replicas }, goalOf({ 1: 3 }, {}))).toEqual(['remove web-r2-1']);
  });
});

describe('what is not waited for', () => {
  const behind = { proxies: [{ id: 'p1', applied: 49, busy: {}, refused: {} }], ...routed({ 1: 100 }, []) };

  it('proxies, for what has neither port nor address', () => {
    const given = { spec: withSettings(SPEC, { port: null }), replicas: ready(1, 1, { address: null }) };
    expect(act({ ...behind, ...given }, goalOf({}, {}))).toEqual(['stop web-r1-1']);
  });

  it('what goes without our word is not remembered', () => {
    const { draining } = converge(world({ replicas: ready(1, 1, { stopping: true }) }), goalOf({}, {}));
    expect(draining).toEqual({});
  });
});
