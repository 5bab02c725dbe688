import { describe, expect, it } from 'vitest';
import { planCanary, startStep, stepsOf } from '../../strategies/canary.ts';
import type { CanaryStep, Rollout } from '../../strategies/model.ts';
import { canary, HOUR, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, rollout, routed, SPEC, world } from './fixture.ts';

const spec = specOf(canary());
const steps = stepsOf(world({ spec }));
const both = (candidate: number) => [...ready(1, 3), ...ready(2, candidate)];

function plan(index: number, candidate: number, given: Partial<Rollout> = {}, more: Given = {}) {
  const step = { index, startedAt: NOW, endsAt: null };
  const of = rollout({ strategy: 'canary', step, ...given });
  return planCanary(world({ spec, memory: { rollout: of }, replicas: both(candidate), ...more }), of);
}
const served = (weight: number, candidate: number): Given =>
  routed({ 1: 100 - weight, 2: weight }, both(candidate));

const PAUSE = { step: { index: 1, startedAt: NOW, endsAt: NOW + HOUR } };

describe('planCanary: first the replicas, then the weight, then the next step', () => {
  it.each([
    ['no replica yet', plan(0, 0), 1, { 1: 100, 2: 0 }, null],
    ['it is there: the weight', plan(0, 1), 1, { 1: 90, 2: 10 }, null],
    ['every proxy knows: the next step', plan(0, 1, {}, served(10, 1)), 1, { 1: 90, 2: 10 }, 1],
    ['a pause keeps both', plan(1, 1, PAUSE, served(10, 1)), 1, { 1: 90, 2: 10 }, null],
    ['more replicas, the weight before', plan(2, 1, {}, served(10, 1)), 2, { 1: 90, 2: 10 }, null],
    ['they are there', plan(2, 2, {}, served(10, 2)), 2, { 1: 50, 2: 50 }, null],
    ['after the last step, all of it', plan(4, 2, {}, served(50, 2)), 3, { 1: 50, 2: 50 }, null],
    ['in full', plan(4, 3, {}, served(50, 3)), 3, { 1: 0, 2: 100 }, null],
  ] as const)('%s', (_, { goal, advanced }, replicas, split, next) => {
    expect([goal.wanted[1], goal.wanted[2], goal.split]).toEqual([3, replicas, split]);
    expect(advanced?.step?.index ?? null).toBe(next);
  });

  it('is complete when all of it is served', () => {
    expect(plan(4, 3, {}, served(50, 3)).isComplete).toBe(false);
    expect(plan(4, 3, {}, served(100, 3)).isComplete).toBe(true);
  });

  it('without a gate there are no steps', () => {
    expect(plan(0, 3, { gated: false }).goal.split).toEqual({ 1: 0, 2: 100 });
  });

  it('nor in the bake', () => {
    expect(plan(0, 3, { stage: 'monitoring' }).goal.split).toEqual({ 1: 0, 2: 100 });
  });

  it('a weight of which it carries more already, for want of others, is reached', () => {
    const replicas = [...ready(2, 1)];
    const { advanced } = plan(0, 1, {}, { replicas, ...routed({ 2: 100 }, replicas) });
    expect(advanced?.step?.index).toBe(1);
  });

  it('a pause by an operator starts no replica and gives no weight that it has not yet', () => {
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    const before = plan(2, 1, { paused }, served(10, 1));
    expect([before.goal.wanted[2], before.goal.split]).toEqual([1, { 1: 90, 2: 10 }]);
    const after = plan(2, 2, { paused }, served(50, 2));
    expect([after.goal.wanted[2], after.goal.split]).toEqual([2, { 1: 50, 2: 50 }]);
  });

  it('a timed pause is over at its end, and not before', () => {
    const step = (endsAt: number) => ({ step: { index: 1, startedAt: NOW, endsAt } });
    expect(plan(1, 1, step(NOW + 1)).advanced).toBeNull();
    expect(plan(1, 1, step(NOW)).advanced?.step).toMatchObject({ index: 2 });
    expect(plan(1, 1, step(NOW + HOUR)).hold).toMatchObject({
      reason: 'step-pause',
      message: 'Holding at 10 % for another 60 minutes.',
      next: { what: 'weight 50', at: NOW + HOUR },
      isPlanned: true,
    });
  });
});

describe('steps that were edited under way', () => {
  it('a timed pause where a weight stood begins now', () => {
    const { advanced, goal } = plan(1, 1, {}, served(10, 1));
    expect(advanced?.step).toEqual({ index: 1, startedAt: NOW, endsAt: NOW + HOUR });
    expect(goal.split).toEqual({ 1: 90, 2: 10 });
  });

  it('a manual pause where a timed one stood waits for promote', () => {
    const manual = specOf(
      canary({ steps: [steps[0] ?? { kind: 'pause-manual' }, { kind: 'pause-manual' }] }),
    );
    const step = { index: 1, startedAt: NOW - HOUR, endsAt: NOW - 1 };
    const { advanced, hold } = plan(1, 1, { step }, { ...served(10, 1), spec: manual });
    expect([advanced, hold?.reason]).toEqual([null, 'waiting-for-promotion']);
  });
});

describe('startStep: absolute times', () => {
  const manual: readonly CanaryStep[] = [{ kind: 'pause-manual' }];
  it.each([
    ['a weight', steps, 0, null],
    ['a pause', steps, 1, NOW + HOUR],
    ['a manual pause', manual, 0, null],
    ['after the last', steps, 4, null],
  ])('%s', (_, of, index, endsAt) => {
    expect(startStep(index, of, NOW)).toEqual({ index, startedAt: NOW, endsAt });
  });
});

describe('stepsOf', () => {
  it('another strategy has none', () => {
    expect(stepsOf(world({ spec: SPEC }))).toEqual([]);
  });
});

describe('planCanary: in detail', () => {
  const manual: readonly CanaryStep[] = [
    { kind: 'weight', weight: 10, replicas: null },
    { kind: 'pause-manual' },
  ];
  const byHand = specOf(canary({ steps: manual }));

  it('a manual pause says at what it holds and what promote does', () => {
    const { advanced, isComplete, hold } = plan(1, 1, {}, { ...served(10, 1), spec: byHand });
    expect([advanced, isComplete]).toEqual([null, false]);
    expect(hold).toEqual({
      ...{ reason: 'waiting-for-promotion', message: 'Holding at 10 %; waiting for promote.' },
      ...{ next: { what: 'weight 100', at: null }, isPlanned: true },
    });
  });

  it('a first step that is a pause holds nothing yet', () => {
    const paused = specOf(canary({ steps: manual.slice(1) }));
    const { goal, hold } = plan(0, 0, {}, { spec: paused });
    expect([goal.wanted, goal.split]).toEqual([
      { 1: 3, 2: 0 },
      { 1: 100, 2: 0 },
    ]);
    expect(hold?.message).toBe('Holding at 0 %; waiting for promote.');
  });

  it('no step is the end of it', () => {
    for (const given of [plan(0, 1), plan(1, 1, PAUSE, served(10, 1)), plan(1, 1, {}, served(10, 1))])
      expect(given.isComplete).toBe(false);
  });

  it('without a step that was taken it goes on to the end', () => {
    expect(plan(0, 3, { step: null }).goal.wanted).toEqual({ 1: 3, 2: 3 });
  });

  it('a weight needs its replicas, and is guarded on trial only', () => {
    expect(plan(0, 1).goal).toMatchObject({ needed: { 2: 1 }, guarded: 2, limit: 6 });
    expect(plan(0, 3, { gated: false }).goal).toMatchObject({ needed: { 2: 3 }, guarded: null });
  });

  it('without a stable revision everything is its own', () => {
    const { goal } = plan(0, 1, { gated: false }, { memory: { stable: null }, replicas: ready(2, 1) });
    expect([goal.wanted, goal.split]).toEqual([{ 2: 3 }, { 2: 100 }]);
  });

  it('in a pause what is lost of a weight that it has comes again', () => {
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    const { goal } = plan(2, 0, { paused }, routed({ 1: 90, 2: 10 }, ready(1, 3)));
    expect([goal.wanted[2], goal.split]).toEqual([1, { 1: 90, 2: 10 }]);
  });
});

describe('planCanary: what is not complete', () => {
  const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
  it.each([
    ['the end of a timed pause', plan(1, 1, { step: { index: 1, startedAt: NOW, endsAt: NOW } })],
    ['a pause before the last weight', plan(4, 2, { paused }, served(50, 2))],
    ['a pause with every replica there', plan(4, 3, { paused }, served(50, 3))],
  ])('%s', (_, { isComplete }) => {
    expect(isComplete).toBe(false);
  });

  it('of a first version a step gives everything', () => {
    const given = { memory: { stable: null }, replicas: ready(2, 1) };
    expect(plan(0, 1, {}, given).goal.split).toEqual({ 2: 100 });
  });
});
