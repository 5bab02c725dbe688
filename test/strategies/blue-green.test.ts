import { describe, expect, it } from 'vitest';
import { planBlueGreen } from '../../strategies/blue-green.ts';
import type { Rollout } from '../../strategies/model.ts';
import { blueGreen, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, SPEC, world } from './fixture.ts';

const spec = specOf(blueGreen());
const both = (candidate: number) => [...ready(1, 3), ...ready(2, candidate)];

function plan(given: Given = {}, of: Partial<Rollout> = {}) {
  const under = rollout({ strategy: 'blue-green', ...of });
  const stands = routed({ 1: 100 }, ready(1, 3));
  const w = world({
    spec,
    replicas: both(0),
    ...stands,
    ...given,
    memory: { ...given.memory, rollout: under },
  });
  return planBlueGreen(w, under);
}

describe('planBlueGreen: beside the stable revision', () => {
  it('comes up in full, as a preview and without a weight', () => {
    expect(plan()).toEqual({
      goal: {
        ...{ wanted: { 1: 3, 2: 3 }, split: { 1: 100 }, needed: {}, guarded: 2, preview: 2 },
        ...{ trial: null, isExclusive: false, limit: 6 },
      },
      ...{ advanced: null, isComplete: false, hold: null },
    });
  });

  it('is switched to when it is available in full, not before', () => {
    expect(plan({ replicas: both(2) }).advanced).toBeNull();
    const young = replica('web-r2-3', { readyForMs: 4999 });
    expect(plan({ replicas: [...both(2), young] }).advanced).toBeNull();
    expect(plan({ replicas: both(3) })).toMatchObject({
      ...{ advanced: { promoted: true }, isComplete: false, hold: null, goal: { split: { 1: 100 } } },
    });
  });

  it('waits for promote where a person promotes', () => {
    const manual = specOf(blueGreen({ promotion: 'manual' }));
    expect(plan({ spec: manual, replicas: both(2) }).hold).toBeNull();
    expect(plan({ spec: manual, replicas: both(3) })).toMatchObject({
      ...{ advanced: null, isComplete: false },
      hold: {
        reason: 'waiting-for-promotion',
        message: 'The candidate is up in full; waiting for promote.',
        next: { what: 'promote', at: null },
        isPlanned: true,
      },
    });
  });

  it('is not switched to by the settings of another strategy', () => {
    expect(plan({ spec: SPEC, replicas: both(3) }).advanced).toBeNull();
  });

  it('nothing more of it comes in a pause', () => {
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    const replicas = [...both(1), replica('web-r2-2', { state: 'exited' })];
    expect(plan({ replicas }, { paused }).goal.wanted).toEqual({ 1: 3, 2: 2 });
  });
});

describe('planBlueGreen: the switch', () => {
  it.each<readonly [string, Given, Partial<Rollout>]>([
    ['promoted', { replicas: both(3) }, { promoted: true }],
    ['without a gate', { replicas: both(3) }, { gated: false }],
    ['what takes over need not be there in full', { replicas: both(1) }, { promoted: true }],
  ])('%s: all traffic, and the stable revision stays', (_, given, of) => {
    const { goal, advanced, hold } = plan(given, of);
    expect(goal).toMatchObject({ wanted: { 1: 3, 2: 3 }, split: { 2: 100 }, preview: null, limit: 6 });
    expect([advanced, hold]).toEqual([null, null]);
  });

  const served = (candidate: number): Given => ({
    ...{ replicas: both(candidate), ...routed({ 2: 100 }, ready(2, candidate)) },
  });
  it.each<readonly [string, Given, boolean]>([
    ['served in full', served(3), true],
    ['one is missing', served(2), false],
    ['the table is the old one', { replicas: both(3) }, false],
  ])('is complete: %s', (_, given, isComplete) => {
    expect(plan(given, { promoted: true }).isComplete).toBe(isComplete);
  });

  it('without a stable revision there is nobody else to serve', () => {
    const { goal } = plan({ replicas: ready(2, 1), memory: { stable: null } });
    expect([goal.wanted, goal.split]).toEqual([{ 2: 3 }, {}]);
  });
});
