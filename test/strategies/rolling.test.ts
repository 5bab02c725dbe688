import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../strategies/model.ts';
import { completeExchange, planExchange, planRolling } from '../../strategies/rolling.ts';
import { rolling, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, SPEC, world } from './fixture.ts';

const under = rollout();
const both = (old: number, next: number) => [...ready(1, old), ...ready(2, next)];
const at = (replicas: Given['replicas'] = [], more: Given = {}) =>
  world({ memory: { rollout: under }, replicas, ...routed({ 1: 50, 2: 50 }, replicas), ...more });
const UP = { surge: 1, unavailable: 0 };
const DOWN = { surge: 0, unavailable: 1 };

describe('planExchange: what the old ones may be, what may come, and how the traffic goes', () => {
  const young = replica('web-r2-1', { readyForMs: 1 });
  it.each([
    ['worked example, surge 1: 3 old', UP, at(both(3, 0)), { 1: 3 }, { 1: 100 }, 4],
    ['one new, starting', UP, at([...ready(1, 3), replica('web-r2-1')]), { 1: 3 }, { 1: 100 }, 4],
    [
      'one new, not available yet',
      UP,
      at([...ready(1, 3), young], routed({ 1: 100 }, ready(1, 3))),
      { 1: 3 },
      { 1: 100 },
      4,
    ],
    ['one new available: 2 old', UP, at(both(3, 1)), { 1: 2 }, { 1: 67, 2: 33 }, 4],
    ['all new available: none', UP, at(both(1, 3)), { 1: 0 }, { 2: 100 }, 4],
    ['worked example, unavailable 1: 2 old', DOWN, at(both(3, 0)), { 1: 2 }, { 1: 100 }, 3],
    ['one new available: 1 old', DOWN, at(both(2, 1)), { 1: 1 }, { 1: 50, 2: 50 }, 3],
    ['an old one is lost', UP, at(both(2, 1)), { 1: 2 }, { 1: 67, 2: 33 }, 4],
    [
      'the first new one before it is available',
      UP,
      at([replica('web-r1-1'), young], routed({}, [])),
      { 1: 0 },
      { 2: 100 },
      4,
    ],
    ['all old ones are lost', UP, at([replica('web-r1-1'), young]), { 1: 0 }, { 2: 100 }, 4],
    [
      'what was superseded goes before stable',
      UP,
      at([...both(2, 1), ...ready(3, 1)], routed({ 1: 50, 2: 25, 3: 25 }, [...both(2, 1), ...ready(3, 1)])),
      { 1: 2, 3: 0 },
      { 1: 67, 2: 33 },
      4,
    ],
  ] as const)('%s', (_, budget, w, others, split, limit) => {
    const goal = planExchange(w, 2, budget, true);
    expect([goal.wanted, goal.split, goal.limit]).toEqual([{ ...others, 2: 3 }, split, limit]);
  });

  it('what may not start is not wanted', () => {
    expect(planExchange(at(both(3, 1)), 2, UP, false).wanted).toEqual({ 1: 2, 2: 1 });
  });

  it('on the way back, a candidate without traffic does not count', () => {
    const w = at([...ready(1, 1), ...ready(2, 3)], routed({ 1: 100 }, both(1, 3)));
    expect(planExchange(w, 1, UP, true).wanted).toEqual({ 1: 3, 2: 0 });
  });
});

describe('completeExchange: available in full, alone, and every proxy knows', () => {
  it.each([
    ['so', at(both(0, 3), routed({ 2: 100 }, both(0, 3))), true],
    ['not in full', at(both(0, 2), routed({ 2: 100 }, both(0, 2))), false],
    ['the table still has an old one', at(both(0, 3)), false],
    [
      'a proxy is behind',
      at(both(0, 3), {
        ...routed({ 2: 100 }, both(0, 3)),
        proxies: [{ id: 'p', applied: 1, busy: {}, refused: {} }],
      }),
      false,
    ],
  ])('%s: %#', (_, w, isComplete) => {
    expect(completeExchange(w, 2, planExchange(w, 2, UP, true)).isComplete).toBe(isComplete);
  });
});

describe('planRolling: delay between batches', () => {
  const spec = specOf(rolling({ delayMs: 60_000 }));
  const delayed = (readyForMs: number, given: Partial<Rollout> = {}) => {
    const replicas = [...ready(1, 2), replica('web-r2-1', { readyForMs })];
    const of = rollout(given);
    return planRolling(world({ spec, memory: { rollout: of }, replicas }), of);
  };

  it('counts from the moment that the last one is available, which is remembered', () => {
    const { advanced } = delayed(10_000);
    expect(advanced?.batch).toEqual({ replicas: 1, nextAt: NOW - 10_000 + 5000 + 60_000 });
    const { hold, goal } = delayed(10_000, { ...advanced });
    expect(hold).toMatchObject({
      reason: 'delay',
      isPlanned: true,
      next: { at: NOW - 10_000 + 5000 + 60_000 },
    });
    expect(goal.wanted[2]).toBe(1);
  });

  it('then the next batch starts', () => {
    const { hold, goal } = delayed(65_000);
    expect([hold, goal.wanted[2]]).toEqual([null, 3]);
  });

  it('a controller that has just come and counts anew does not begin it again', () => {
    const batch = { replicas: 1, nextAt: NOW + 7000 };
    const { hold, advanced } = delayed(0, { batch });
    expect([hold, advanced]).toEqual([null, null]);
    const replicas = [...ready(1, 2), replica('web-r2-1', { readyForMs: 0 })];
    const of = rollout({ batch });
    const w = world({ spec, memory: { rollout: of }, replicas, ...routed({ 1: 67, 2: 33 }, replicas) });
    expect(planRolling(w, of)).toMatchObject({ hold: { next: { at: NOW + 7000 } }, advanced: null });
  });

  it('of a batch before says nothing of the next', () => {
    expect(delayed(10_000, { batch: { replicas: 2, nextAt: NOW - 1 } }).advanced?.batch?.replicas).toBe(1);
  });

  it('a batch that is not available is waited for, but not by plan', () => {
    const { hold, goal } = delayed(4999);
    expect([hold, goal.wanted[2]]).toEqual([null, 1]);
  });

  it('a first release has nothing to delay for', () => {
    expect(delayed(10_000, { gated: false }).goal.wanted[2]).toBe(3);
  });

  it('needs its settings', () => {
    const other = { ...SPEC, strategy: { ...SPEC.strategy, type: 'recreate' } as const };
    expect(() => planRolling(world({ spec: other }), under)).toThrow(
      'planRolling needs the settings of a rolling strategy',
    );
  });
});

describe('planRolling: batches in detail', () => {
  const spec = { ...specOf(rolling({ delayMs: 60_000, surge: { count: 3 } })), replicas: 4 };
  const plan = (candidate: Given['replicas'] = [], of: Partial<Rollout> = {}) => {
    const under2 = rollout(of);
    const replicas = [...ready(1, 4), ...candidate];
    return planRolling(world({ spec, memory: { rollout: under2 }, replicas }), under2);
  };
  const at = (name: string, readyForMs: number) => replica(name, { readyForMs });

  it('the first batch starts at once', () => {
    const { goal, hold, advanced } = plan();
    expect([goal.wanted[2], hold, advanced]).toEqual([4, null, null]);
  });

  it('after the last one there is nothing to delay', () => {
    const all = [1, 2, 3, 4].map((ordinal) => at(`web-r2-${ordinal}`, 9000));
    expect(plan(all)).toMatchObject({ hold: null, advanced: null, goal: { wanted: { 2: 4 } } });
  });

  it('counts from the youngest of the batch', () => {
    const { advanced } = plan([at('web-r2-1', 30_000), at('web-r2-2', 10_000)]);
    expect(advanced?.batch).toEqual({ replicas: 2, nextAt: NOW - 10_000 + 5000 + 60_000 });
  });

  it('is not available before all of it is', () => {
    const { goal, hold, advanced } = plan([at('web-r2-1', 30_000), at('web-r2-2', 4999)]);
    expect([goal.wanted[2], hold, advanced]).toEqual([2, null, null]);
  });

  it('says what it waits for', () => {
    const nextAt = NOW + 100;
    expect(plan([at('web-r2-1', 30_000)], { batch: { replicas: 1, nextAt } }).hold).toEqual({
      ...{ reason: 'delay', message: 'Waiting between batches.' },
      ...{ next: { what: 'next batch', at: nextAt }, isPlanned: true },
    });
  });
});

describe('planExchange: in which order the others go', () => {
  it('what was superseded by number, the stable one last', () => {
    const others = [...ready(5, 1), ...ready(3, 1), ...ready(1, 1), ...ready(4, 1)];
    const replicas = [...others, ...ready(2, 1)];
    const split = { 1: 20, 2: 20, 3: 20, 4: 20, 5: 20 };
    const given = { spec: { ...SPEC, replicas: 3 }, replicas, ...routed(split, replicas) };
    const w = world({ ...given, memory: { stable: 4, rollout: rollout() } });
    expect(planExchange(w, 2, UP, true).wanted).toEqual({ 1: 0, 2: 3, 3: 0, 4: 1, 5: 1 });
    const one = { spec: { ...SPEC, replicas: 4 }, memory: { stable: 4, rollout: rollout() } };
    expect(planExchange(world({ ...given, ...one }), 2, UP, true).wanted).toEqual({
      ...{ 1: 0, 2: 4, 3: 1, 4: 1, 5: 1 },
    });
  });

  it('the stable one counts where it is ready, whatever the table says', () => {
    const w = at([...ready(1, 3)], routed({}, []));
    expect(planExchange(w, 2, UP, true).wanted).toEqual({ 1: 3, 2: 3 });
  });

  it('the incoming one counts where it is available', () => {
    const young = replica('web-r2-1', { readyForMs: 1 });
    const w = at([...ready(1, 2), young], routed({ 1: 100 }, ready(1, 2)));
    expect(planExchange(w, 2, UP, true).needed).toEqual({ 1: 2, 2: 0 });
  });
});
