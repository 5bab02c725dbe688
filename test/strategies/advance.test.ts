import { describe, expect, it } from 'vitest';
import { advanceRollout, type Notch } from '../../strategies/advance.ts';
import type { Rollout } from '../../strategies/model.ts';
import { measureProgress } from '../../strategies/progress.ts';
import { blueGreen, canary, recreate, rolling, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, trouble, world } from './fixture.ts';

const MUCH = 9e12;
const stood: Given = { replicas: ready(1, 3), ...routed({ 1: 100 }, ready(1, 3)) };
const done: Given = { replicas: ready(2, 3), ...routed({ 2: 100 }, ready(2, 3)) };

/** Has come as far as it can, unless said otherwise. */
function advance(given: Given, of: Partial<Rollout> = {}): Notch {
  const under = rollout({ progress: MUCH, ...of });
  return advanceRollout(world({ ...given, memory: { ...given.memory, rollout: under } }), under);
}
const next = (given: Given, of: Partial<Rollout> = {}) => advance(given, of).move?.memory.rollout;
const finished = (given: Given, of: Partial<Rollout> = {}) =>
  advance(given, of).move?.writes.finished?.[0]?.outcome;

const exited = replica('web-r2-1', { state: 'exited', exitCode: 1 });
const failing: Given = { ...stood, replicas: [...ready(1, 3), exited] };
const pausing = specOf(rolling({ failureAction: 'pause' }));
const byOperator = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
const byFailure = { since: NOW - 9, by: 'failure', reason: 'container-exited' } as const;

describe('the strategy', () => {
  it.each<readonly [string, Given, Partial<Rollout>, Partial<Notch['goal']>]>([
    ['rolling: one more than replicas', { spec: specOf(rolling()) }, {}, { limit: 4, split: { 1: 100 } }],
    ['recreate: alone', { spec: specOf(recreate()) }, { strategy: 'recreate' }, { isExclusive: true }],
    ['blue-green: a preview', { spec: specOf(blueGreen()) }, { strategy: 'blue-green' }, { preview: 2 }],
    [
      'canary: what the first step needs',
      { spec: specOf(canary()) },
      { strategy: 'canary', step: { index: 0, startedAt: NOW, endsAt: null } },
      { wanted: { 1: 3, 2: 1 }, guarded: 2 },
    ],
    [
      'of a rollout that began under another: by exchange',
      { spec: specOf(blueGreen()) },
      { strategy: 'rolling' },
      { wanted: { 1: 3, 2: 3 }, preview: null, limit: 6 },
    ],
    [
      'of a rollback: the budget of rollback',
      { spec: { ...specOf(canary()), rollback: { parallelism: 2, order: 'start-first' } } },
      { strategy: 'canary', kind: 'rollback' },
      { wanted: { 1: 3, 2: 3 }, limit: 5, guarded: null },
    ],
    [
      'of a rollback under recreate: alone',
      { spec: specOf(recreate()) },
      { strategy: 'recreate', kind: 'rollback' },
      { isExclusive: true },
    ],
  ])('%s', (_, given, of, goal) => {
    expect(advance({ ...stood, ...given }, of).goal).toMatchObject(goal);
  });
});

describe('the bake', () => {
  const baking = { stage: 'monitoring', monitorUntil: NOW } as const;
  const streak = { ...replica('web-r2-1', { readyForMs: 9000 }).probe, failures: 1 };

  it('begins when all of it is served', () => {
    expect(next(done)).toMatchObject({ stage: 'monitoring', monitorUntil: NOW + 30_000 });
  });

  it('is none after a rollback, which has nothing to be judged by', () => {
    expect(next(done, { kind: 'rollback' })).toMatchObject({ stage: 'monitoring', monitorUntil: NOW });
  });

  it.each<readonly [string, Given, Partial<Rollout>, string | undefined]>([
    ['its time has passed', done, baking, 'succeeded'],
    ['its time has not passed', done, { ...baking, monitorUntil: NOW + 1 }, undefined],
    ['not all of it is served', { ...done, replicas: ready(2, 2) }, baking, undefined],
    [
      'not in a streak of failing probes',
      { ...done, replicas: [...ready(2, 3).slice(1), replica('web-r2-1', { probe: streak })] },
      baking,
      undefined,
    ],
    ['not before it has begun', done, {}, undefined],
  ])('is over: %s', (_, given, of, outcome) => {
    expect(finished(given, of)).toBe(outcome);
  });
});

describe('a failure', () => {
  it.each<readonly [string, Given, string]>([
    ['turns it back', {}, 'rolled-back container-exited web-r2-1 exited with code 1.'],
    [
      'fails it where nothing is stable',
      { memory: { stable: null } },
      'failed container-exited web-r2-1 exited with code 1.',
    ],
    [
      'of a first version is no pause',
      { memory: { stable: null }, spec: pausing },
      'failed container-exited web-r2-1 exited with code 1.',
    ],
  ])('%s', (_, given, said) => {
    const of = next({ ...failing, ...given });
    const { outcome, reason, message, evidence } = of?.verdict ?? {};
    expect([of?.stage, `${outcome} ${reason} ${message}`]).toEqual(['returning', said]);
    expect(evidence).toMatchObject([{ replica: 'web-r2-1', exitCode: 1 }]);
  });

  it('pauses it where that is asked', () => {
    expect(next({ ...failing, spec: pausing })).toMatchObject({
      ...{ stage: 'advancing', paused: { since: NOW, by: 'failure', reason: 'container-exited' } },
    });
  });

  it('pauses it once, and takes a pause of an operator over', () => {
    expect(advance({ ...failing, spec: pausing }, { paused: byFailure }).move).toBeNull();
    expect(next({ ...failing, spec: pausing }, { paused: byOperator })?.paused?.by).toBe('failure');
  });

  it('is forgiven as far as the ratio goes', () => {
    const spec = specOf(rolling({ maxFailureRatio: 0.34 }));
    const of = { tolerated: 0, forgiven: ['x'] };
    expect(next({ ...failing, spec }, of)).toMatchObject({ tolerated: 1, forgiven: ['x', 'id-web-r2-1'] });
    expect(next({ ...failing, spec }, { tolerated: 1 })?.stage).toBe('returning');
  });

  it('is none on the way to where an operator wants to go back to', () => {
    expect(advance(failing, { kind: 'rollback' }).move).toBeNull();
  });
});

describe('the deadline', () => {
  const spec = specOf(blueGreen({ promotion: 'manual' }));
  const up: Given = { ...stood, spec, replicas: [...ready(1, 3), ...ready(2, 3)] };
  const green = { strategy: 'blue-green' } as const;

  it('moves with progress', () => {
    const of = next(stood, { progress: 0, deadline: NOW + 5 });
    const under = rollout();
    const progress = measureProgress(world({ ...stood, memory: { rollout: under } }), under);
    expect(of).toMatchObject({ progress, deadline: NOW + 600_000, held: false });
    expect(next(stood, { progress: 0, deadline: NOW + 900_000 })?.deadline).toBe(NOW + 900_000);
    expect(advance(stood, { progress }).move).toBeNull();
  });

  it('does not run in a hold that was planned, and begins anew after it', () => {
    expect(next(up, { ...green, deadline: NOW })).toMatchObject({
      ...{ held: true, progress: MUCH, deadline: NOW + 600_000 },
    });
    expect(next({ ...stood, spec }, { ...green, held: true, deadline: NOW })).toMatchObject({
      ...{ held: false, deadline: NOW + 600_000 },
    });
    expect(advance(up, { ...green, held: true }).move).toBeNull();
  });

  it('begins at the end of a hold that has one', () => {
    const step = { index: 1, startedAt: NOW, endsAt: NOW + 3_600_000 };
    const replicas = [...ready(1, 3), ...ready(2, 1)];
    const given = { spec: specOf(canary()), replicas, ...routed({ 1: 90, 2: 10 }, replicas) };
    expect(next(given, { strategy: 'canary', step })).toMatchObject({
      ...{ held: true, deadline: NOW + 4_200_000 },
    });
  });

  it.each<readonly [string, Given, Partial<Rollout>, string]>([
    ['turns it back', stood, {}, 'returning rolled-back progress-deadline'],
    ['not before its time', stood, { deadline: NOW + 1 }, 'undefined'],
    [
      'fails it where nothing is stable',
      { memory: { stable: null } },
      {},
      'returning failed progress-deadline',
    ],
    ['pauses it where that is asked', { ...stood, spec: pausing }, {}, 'advancing failure progress-deadline'],
    [
      'of a first version is no pause',
      { spec: pausing, memory: { stable: null } },
      {},
      'returning failed progress-deadline',
    ],
    [
      'counts not yet where nobody watched',
      { ...stood, watchedSince: NOW - 1000 },
      {},
      'advancing undefined undefined',
    ],
  ])('%s', (_, given, of, said) => {
    const now = next(given, { deadline: NOW, ...of });
    const why = now?.verdict ?? now?.paused;
    const who = now?.verdict?.outcome ?? now?.paused?.by;
    expect(now === undefined ? 'undefined' : `${now?.stage} ${who} ${why?.reason}`).toBe(said);
  });
});

describe('a pause', () => {
  const under = { paused: byOperator, deadline: NOW };
  const both = [...ready(1, 2), ...ready(2, 1)];
  const halfway: Given = { replicas: both, ...routed({ 1: 67, 2: 33 }, both) };

  it('leaves everything as it is, and says so', () => {
    const { move, goal, hold } = advance(halfway, under);
    expect([move, goal.wanted]).toEqual([null, { 1: 2, 2: 1 }]);
    expect(hold).toEqual({
      ...{ reason: 'paused-by-operator', message: 'Paused by an operator; resume or abort.' },
      ...{ next: { what: 'resume', at: null }, isPlanned: true },
    });
  });

  it('on failure names what failed', () => {
    const given = { ...failing, spec: pausing };
    expect(advance(given, { paused: byFailure }).hold).toMatchObject({
      reason: 'paused-on-failure',
      message: 'Paused on failure (container-exited); resume, retry or abort. web-r2-1 exited with code 1.',
    });
    expect(advance({ ...stood, spec: pausing }, { paused: byFailure }).hold?.message).toBe(
      'Paused on failure (container-exited); resume, retry or abort.',
    );
  });

  it('keeps no failure from turning it back', () => {
    expect(advance(failing, { paused: byOperator }).move?.memory.rollout?.stage).toBe('returning');
  });

  it.each<readonly [string, Given, Partial<Rollout>, Readonly<Record<number, number>>]>([
    [
      'recreate holds while the old ones stand',
      { spec: specOf(recreate()), ...stood },
      { strategy: 'recreate' },
      { 1: 3, 2: 0 },
    ],
    [
      'recreate does not hold once they have begun to leave',
      { spec: specOf(recreate()), replicas: ready(1, 3, { stopping: true }) },
      { strategy: 'recreate' },
      { 2: 3 },
    ],
    [
      'blue-green holds what is there',
      { spec: specOf(blueGreen()), ...stood, replicas: [...ready(1, 3), ...ready(2, 1)] },
      { strategy: 'blue-green' },
      { 1: 3, 2: 1 },
    ],
    [
      'a canary the replicas of its step',
      { spec: specOf(canary()), replicas: ready(1, 2), ...routed({ 1: 100 }, ready(1, 2)) },
      { strategy: 'canary', step: { index: 0, startedAt: NOW, endsAt: null } },
      { 1: 3, 2: 0 },
    ],
  ])('%s', (_, given, of, wanted) => {
    expect(advance(given, { ...of, paused: byOperator }).goal.wanted).toEqual(wanted);
  });
});

describe('a stage', () => {
  it('each has its own', () => {
    const images = { 'web-2-10': { kind: 'absent' } as const };
    expect(advance({ ...stood, images }, { stage: 'resolving' }).hold?.reason).toBe('image-pulling');
    expect(advance({ replicas: ready(1, 2) }, { stage: 'returning' }).hold?.reason).toBe('returning');
    expect(advance(stood).hold).toBeNull();
  });

  it('a start that the engine refuses fails it', () => {
    const given = { ...stood, troubles: [trouble('web-r2-1')] };
    expect(next(given)?.verdict).toMatchObject({ reason: 'container-start-failed', message: 'web-r2-1: no' });
  });
});

describe('a pause, in detail', () => {
  const goalOf = (given: Given, of: Partial<Rollout>) => advance(given, { ...of, paused: byOperator }).goal;

  it('an exchange stands still, also where an old one is on its way out', () => {
    const replicas = [...ready(1, 2), ...ready(2, 1)];
    const draining = { 'web-r1-2': NOW };
    const given = { replicas, ...routed({ 1: 50, 2: 50 }, replicas), memory: { draining } };
    expect(goalOf(given, {}).wanted).toEqual({ 1: 2, 2: 1 });
  });

  it('a canary keeps the weight that it has', () => {
    const step = { index: 0, startedAt: NOW, endsAt: null };
    const given = { spec: specOf(canary()), replicas: ready(1, 3), ...routed({ 1: 90, 2: 10 }, ready(1, 3)) };
    expect(goalOf(given, { strategy: 'canary', step })).toMatchObject({ wanted: { 1: 3, 2: 1 }, guarded: 2 });
  });

  it('blue-green keeps its preview', () => {
    const given = { ...stood, spec: specOf(blueGreen()), replicas: [...ready(1, 3), ...ready(2, 1)] };
    expect(goalOf(given, { strategy: 'blue-green' }).preview).toBe(2);
  });
});
