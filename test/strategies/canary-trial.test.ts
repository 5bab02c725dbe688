import { describe, expect, it } from 'vitest';
import { planCanary, stepsOf } from '../../strategies/canary.ts';
import type { CanaryStep, Observed, Rollout } from '../../strategies/model.ts';
import { planRoute } from '../../strategies/route.ts';
import { canary, specOf } from '../sim/spec.ts';
import { addressOf, entry, type Given, NOW, ready, rollout, world } from './fixture.ts';

const match = { cookie: { name: 'beta', value: '1' } } as const;
const STEPS: readonly CanaryStep[] = [
  { kind: 'weight', weight: 0, replicas: null, match, mirror: 20 },
  { kind: 'pause-manual' },
  { kind: 'weight', weight: 10, replicas: null },
];
const spec = specOf(canary({ steps: STEPS }));
const both = (candidate: number) => [...ready(1, 3), ...ready(2, candidate)];
const OFFER = { match: { ...match, revision: 2 }, mirror: { revision: 2, percent: 20 } };

function given(index: number, candidate: number, more: Given = {}, change: Partial<Rollout> = {}) {
  const of = rollout({ strategy: 'canary', step: { index, startedAt: NOW, endsAt: null }, ...change });
  return { of, world: world({ spec, memory: { rollout: of }, replicas: both(candidate), ...more }) };
}

function plan(...args: Parameters<typeof given>) {
  const { of, world: of2 } = given(...args);
  return planCanary(of2, of);
}

/** In the store, with what is offered beside the split. */
function routed(candidate: number, offer: Partial<typeof OFFER>): Pick<Observed, 'route'> {
  const table = { ...entry({ 1: 100 }, both(candidate)), ...offer };
  return { route: { value: table, revision: 50 } };
}

describe('a step without a weight', () => {
  it('needs one replica, and offers nothing before that is there', () => {
    const { goal, advanced } = plan(0, 0);
    expect(goal).toMatchObject({
      wanted: { 1: 3, 2: 1 },
      split: { 1: 100, 2: 0 },
      preview: null,
      trial: null,
    });
    expect(advanced).toBeNull();
  });

  it('or as many as it says', () => {
    const steps = [{ ...STEPS[0], replicas: { count: 2 } }] as readonly CanaryStep[];
    expect(plan(0, 0, { spec: specOf(canary({ steps })) }).goal.wanted[2]).toBe(2);
  });

  it('is in the table for those who match, and for the mirror, once its replica is there', () => {
    const { world: w, of } = given(0, 1);
    const { goal, advanced } = planCanary(w, of);
    expect(goal).toMatchObject({ preview: 2, trial: { match, mirror: 20 }, guarded: 2 });
    expect(advanced).toBeNull();
    expect(planRoute(w, goal)).toMatchObject({ split: { 1: 100 }, preview: null, ...OFFER });
    expect(planRoute(w, goal)?.targets.at(-1)).toEqual({ revision: 2, address: addressOf('web-r2-1') });
  });

  it('is passed when every proxy has just that', () => {
    expect(plan(0, 1, routed(1, OFFER)).advanced?.step?.index).toBe(1);
    expect(plan(0, 1, routed(1, { match: OFFER.match })).advanced).toBeNull();
    expect(plan(0, 1, routed(1, {})).advanced).toBeNull();
    const behind = { id: 'p1', applied: 49, busy: {}, refused: {} };
    expect(plan(0, 1, { ...routed(1, OFFER), proxies: [behind] }).advanced).toBeNull();
  });

  it('holds through the pause behind it, and not beyond', () => {
    expect(plan(1, 1, routed(1, OFFER)).goal).toMatchObject({ preview: 2, trial: { match, mirror: 20 } });
    expect(plan(2, 0, routed(1, OFFER)).goal.trial).toEqual({ match, mirror: 20 });
    expect(plan(2, 1, routed(1, OFFER)).goal).toMatchObject({ preview: null, trial: null, split: { 2: 10 } });
    expect(plan(2, 1, routed(1, OFFER)).advanced).toBeNull();
  });

  it('is told where it holds', () => {
    const { hold } = plan(1, 1, routed(1, OFFER));
    expect(hold).toMatchObject({
      message: 'Holding at 0 % with match beta=1, mirror 20; waiting for promote.',
      next: { what: 'weight 10', at: null },
    });
  });

  it('in a pause by an operator is neither started nor offered, but kept', () => {
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    expect(plan(0, 0, routed(0, {}), { paused }).goal.wanted[2]).toBe(0);
    expect(plan(0, 1, routed(1, {}), { paused }).goal).toMatchObject({ preview: null, trial: null });
    expect(plan(0, 1, routed(1, OFFER), { paused }).goal).toMatchObject({ preview: 2, trial: { match } });
  });
});

describe('what a step offers', () => {
  it('is in no table without a target of the candidate', () => {
    const { world: w, of } = given(1, 0, routed(1, OFFER));
    expect(planRoute(w, planCanary(w, of).goal)).toMatchObject({ match: null, mirror: null });
  });

  it('goes with the steps: not without a gate, not in the bake, not without a stable revision', () => {
    expect(plan(0, 3, {}, { gated: false }).goal.trial).toBeNull();
    expect(plan(0, 3, {}, { stage: 'monitoring' }).goal.trial).toBeNull();
    expect(plan(0, 1, { memory: { stable: null }, replicas: ready(2, 1) }).goal.trial).toBeNull();
  });

  it('may be one of both', () => {
    const of = (step: object) => {
      const steps = [{ ...STEPS[0], ...step }] as readonly CanaryStep[];
      const { world: w, of: under } = given(0, 1, { spec: specOf(canary({ steps })) });
      const table = planRoute(w, planCanary(w, under).goal);
      return [table?.match, table?.mirror];
    };
    expect(of({ mirror: 0 })).toEqual([OFFER.match, null]);
    expect(of({ match: undefined })).toEqual([null, OFFER.mirror]);
  });

  it('of a service without a port is nothing to wait for', () => {
    const portless = { ...spec, settings: { ...spec.settings, port: null } };
    expect(stepsOf(world({ spec: portless }))).toBe(STEPS);
    expect(plan(0, 1, { spec: portless }).advanced?.step?.index).toBe(1);
  });
});
