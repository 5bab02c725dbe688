import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../strategies/model.ts';
import {
  availableOf,
  countPresent,
  countStanding,
  isOnTrial,
  membersOf,
  revisionsPresent,
  servingOf,
} from '../../strategies/world.ts';
import { specOf, withSettings } from '../sim/spec.ts';
import { type Given, NOW, observedOf, ready, replica, rollout, routed, SPEC, world } from './fixture.ts';

const memoryOf = (of: Partial<Rollout> | null, given: Given['memory'] = {}) =>
  observedOf({ memory: { rollout: of === null ? null : rollout(of), ...given } }).memory;

const manual = {
  ...{ weightsRevision: 9, since: NOW, requested: {}, split: {}, revisions: {}, problem: null },
};

describe('isOnTrial', () => {
  it.each([
    ['a candidate that is released', memoryOf({}), 2, true],
    ['a restart', memoryOf({ kind: 'restart' }), 2, true],
    ['not another revision', memoryOf({}), 3, false],
    ['not what is stable', memoryOf({ revision: 1 }), 1, false],
    ['not where an operator wants to go back to', memoryOf({ kind: 'rollback' }), 2, false],
    ['not what is given up', memoryOf({ stage: 'returning' }), 2, false],
    ['not under manual weights', memoryOf({}, { manual }), 2, false],
    ['nobody outside rollouts', memoryOf(null), 2, false],
  ])('%s', (_, memory, revision, expected) => {
    expect(isOnTrial(memory, revision)).toBe(expected);
  });
});

describe('available', () => {
  const young = [replica('web-r2-1', { readyForMs: 4999 })];
  it.each<readonly [string, Partial<Rollout> | null, number]>([
    ['on trial after min_ready', {}, 0],
    ['without a gate at once', { gated: false }, 1],
    ['outside rollouts at once', null, 1],
  ])('%s', (_, of, count) => {
    const memory = { rollout: of === null ? null : rollout(of) };
    expect(availableOf(world({ memory, replicas: young }), 2)).toHaveLength(count);
  });
});

describe('wakeups', () => {
  const wakeups = (replicas: Given['replicas'] = []) =>
    world({ memory: { rollout: rollout() }, replicas }).wakeups.filter((at) => at !== null);

  it.each([
    ['when one that is ready becomes available', [replica('web-r2-1', { readyForMs: 1000 })], [NOW + 4000]],
    ['not for what is available', ready(2, 1), []],
    ['not for what is not ready', [replica('web-r2-1')], []],
    ['not for one on its way out', [replica('web-r2-1', { readyForMs: 1000, stopping: true })], []],
  ])('%s', (_, replicas, expected) => {
    expect(wakeups(replicas)).toEqual(expected);
  });
});

describe('routed', () => {
  it('by revision and address', () => {
    const replicas = [...ready(1, 2), replica('web-r1-3', { address: null })];
    const w = world({ replicas, ...routed({ 1: 100 }, ready(1, 1)) });
    expect(w.members.map((m) => m.routed)).toEqual([true, false, false]);
    const of2 = [replica('web-r2-1', { address: ready(1, 1)[0]?.address ?? null })];
    expect(world({ replicas: of2, ...routed({ 1: 100 }, ready(1, 1)) }).members[0]?.routed).toBe(false);
  });
});

describe('servingOf', () => {
  const replicas = ready(2, 2);
  const portless = withSettings(SPEC, { port: null });
  it.each<readonly [string, Given, number]>([
    ['ready, in the table, with a weight', routed({ 2: 10 }, ready(2, 1)), 1],
    ['not without a weight', routed({ 1: 100 }, replicas), 0],
    ['not without a table', {}, 0],
    ['without a port, all that is ready', { spec: portless }, 2],
  ])('%s', (_, given, count) => {
    expect(servingOf(world({ replicas, ...given }), 2)).toHaveLength(count);
  });
});

describe('counts', () => {
  const replicas = [
    ...ready(1, 2),
    replica('web-r1-3', { state: 'exited' }),
    replica('web-r1-4', { state: 'created' }),
    replica('web-r1-5', { state: 'dead' }),
    replica('web-r1-6', { stopping: true }),
    replica('web-r1-7', { readyForMs: 1 }),
  ];
  const w = world({ replicas, memory: { draining: { 'web-r1-7': NOW } } });

  it('countPresent: failed ones too, not what is on its way out', () => {
    expect(countPresent(w, 1)).toBe(5);
  });

  it('countStanding: what is on its way out too, not what has ended or never ran', () => {
    expect(countStanding(w)).toBe(4);
  });

  it('members of no revision are none', () => {
    expect(membersOf(w, null)).toEqual([]);
  });

  it('revisionsPresent: each once, the lowest first', () => {
    const mixed = [...ready(10, 2), ...ready(2, 1), ...ready(9, 1)];
    expect(revisionsPresent(world({ spec: specOf(SPEC.strategy), replicas: mixed }))).toEqual([2, 9, 10]);
  });
});
