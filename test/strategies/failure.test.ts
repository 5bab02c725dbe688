import { describe, expect, it } from 'vitest';
import { findFailure, findTroubles, isTolerated, judgeDeadline } from '../../strategies/failure.ts';
import { type Given, NOW, ready, replica, rollout, routed, SPEC, trouble, world } from './fixture.ts';

const trial = rollout();
const find = (given: Given, of = trial) => findFailure(world({ memory: { rollout: of }, ...given }), of);
const sick = (name: string) => {
  const last = { at: NOW, ok: false, detail: 'GET /health → 500' };
  return replica(name, { probe: { ...replica(name, { unhealthyForMs: 1 }).probe, failures: 3, last } });
};
const exited = (name: string, exitCode = 3) => replica(name, { state: 'exited', exitCode });

describe('findFailure', () => {
  it.each<readonly [string, Given, string | null, string | null]>([
    ['nothing has failed', { replicas: ready(2, 3) }, null, null],
    ['what is still starting has not', { replicas: [replica('web-r2-1')] }, null, null],
    ['a stable replica is not judged', { replicas: [exited('web-r1-1')] }, null, null],
    ['exited', { replicas: [exited('web-r2-1')] }, 'container-exited', 'web-r2-1 exited with code 3.'],
    [
      'killed for its memory',
      { replicas: [replica('web-r2-1', { state: 'exited', outOfMemory: true })] },
      'out-of-memory',
      'web-r2-1 was killed: out of memory.',
    ],
    [
      'sick',
      { replicas: [sick('web-r2-1')] },
      'probe-failed',
      'web-r2-1 failed its probe 3 times in a row: GET /health → 500.',
    ],
    ['refused', { troubles: [trouble('web-r2-1')] }, 'container-start-failed', 'web-r2-1: no'],
    [
      'by policy',
      { troubles: [trouble('web-r2-1', { reason: 'policy-refused' })] },
      'policy-refused',
      'web-r2-1: no',
    ],
    [
      'what the spec asks for',
      { troubles: [trouble('web-r2-1', { reason: 'settings-refused' })] },
      'settings-refused',
      'web-r2-1: no',
    ],
    ...(['name-conflict', 'network-missing'] as const).map((reason) => {
      const troubles = [trouble('web-r2-1', { reason })];
      return [`${reason} may pass`, { troubles }, null, null] as const;
    }),
    [
      'the worst names it',
      { replicas: [sick('web-r2-1'), exited('web-r2-2')] },
      'container-exited',
      'web-r2-2 exited with code 3.',
    ],
  ])('%s', (_, given, reason, message) => {
    const failure = find(given);
    expect([failure?.reason ?? null, failure?.message ?? null]).toEqual([reason, message]);
  });

  it('every failed replica and every trouble is evidence', () => {
    const failure = find({
      replicas: [sick('web-r2-1'), exited('web-r2-2')],
      troubles: [trouble('web-r2-3')],
    });
    expect(failure?.evidence).toEqual([
      { replica: 'web-r2-1', probe: 'GET /health → 500', exitCode: null, outOfMemory: false, log: [] },
      { replica: 'web-r2-2', probe: null, exitCode: 3, outOfMemory: false, log: [] },
      { replica: 'web-r2-3', probe: 'web-r2-3: no', exitCode: null, outOfMemory: false, log: [] },
    ]);
    expect([failure?.ids, failure?.unstarted]).toEqual([['id-web-r2-1', 'id-web-r2-2'], 1]);
  });

  it('what was forgiven does not count', () => {
    const forgiven = rollout({ forgiven: ['id-web-r2-1'], forgivenAt: NOW - 500 });
    expect(find({ replicas: [exited('web-r2-1')], troubles: [trouble('web-r2-2')] }, forgiven)).toBeNull();
  });

  it('what ended on its way out has not failed', () => {
    const memory = { rollout: trial, draining: { 'web-r2-1': NOW } };
    expect(find({ memory, replicas: [exited('web-r2-1')] })).toBeNull();
  });
});

describe('findTroubles: of this rollout, since it began', () => {
  it.each([
    [trouble('web-r2-1'), 1],
    [trouble('web-r1-1'), 0],
    [trouble('web-r21-1'), 0],
    [trouble('web-r2-1', { action: 'stop' }), 0],
    [trouble('web-r2-1', { at: NOW - 60_001 }), 0],
  ])('%j: %i', (one, count) => {
    expect(findTroubles(world({ troubles: [one] }), trial)).toHaveLength(count);
  });
});

describe('isTolerated', () => {
  const failed = (count: number) => ({
    ...({ reason: 'container-exited', message: '', evidence: [], unstarted: 0 } as const),
    ids: Array.from({ length: count }, (_, i) => `c${i}`),
  });
  it.each([
    ['worked example: 10 replicas, 0.25, two', 10, 0.25, 0, 2, true],
    ['worked example: the third', 10, 0.25, 2, 1, false],
    ['none by default', 10, 0, 0, 1, false],
    ['less than one is none', 3, 0.3, 0, 1, false],
    ['29 of 100 at 0.29', 100, 0.29, 28, 1, true],
    ['not 30', 100, 0.29, 29, 1, false],
  ])('%s', (_, replicas, maxFailureRatio, tolerated, count, ok) => {
    const spec = { ...SPEC, replicas, strategy: { ...SPEC.strategy, maxFailureRatio } };
    expect(isTolerated(world({ spec }), rollout({ tolerated }), failed(count))).toBe(ok);
  });

  it('never what could not be started at all', () => {
    const spec = { ...SPEC, replicas: 10, strategy: { ...SPEC.strategy, maxFailureRatio: 1 } };
    expect(isTolerated(world({ spec }), trial, { ...failed(0), unstarted: 1 })).toBe(false);
  });
});

describe('judgeDeadline', () => {
  const judge = (given: Given) => judgeDeadline(world({ memory: { rollout: trial }, ...given }), trial);
  const behind = { proxies: [{ id: 'p1', applied: 1, busy: {}, refused: {} }] };
  it.each<readonly [string, Given, string, string, string]>([
    [
      'with what the probe said last',
      { replicas: [sick('web-r2-1')] },
      'rolled-back',
      'progress-deadline',
      'No progress before the deadline: GET /health → 500.',
    ],
    [
      'with the trouble that stood in the way',
      { troubles: [trouble('web-r2-1', { reason: 'name-conflict' })] },
      'rolled-back',
      'name-conflict',
      'No progress before the deadline: web-r2-1: no.',
    ],
    [
      'nothing stable',
      { memory: { stable: null, rollout: trial } },
      'failed',
      'progress-deadline',
      'No progress before the deadline.',
    ],
    [
      'a proxy is to blame',
      { ...routed({ 1: 100 }, ready(1, 3)), ...behind, replicas: ready(2, 3) },
      'rolled-back',
      'waiting-for-proxies',
      'No progress before the deadline.',
    ],
  ])('%s', (_, given, outcome, reason, message) => {
    expect(judge(given)).toMatchObject({ outcome, reason, message });
  });

  it('every replica that is not available is evidence', () => {
    expect(
      judge({ replicas: [sick('web-r2-1'), ...ready(2, 3).slice(1)] }).evidence.map((e) => e.replica),
    ).toEqual(['web-r2-1']);
  });
});

describe('in detail', () => {
  it('one that failed and one that could not be started are two', () => {
    const failure = find({ replicas: [exited('web-r2-1')], troubles: [trouble('web-r2-2')] });
    expect(failure).toMatchObject({ ids: ['id-web-r2-1'], unstarted: 1 });
    expect(failure?.evidence.map(({ replica: name }) => name)).toEqual(['web-r2-1', 'web-r2-2']);
  });

  it('a trouble of its first moment counts', () => {
    const given = { troubles: [trouble('web-r2-1', { at: trial.startedAt })] };
    expect(findTroubles(world(given), trial)).toHaveLength(1);
  });

  it.each([
    ['without an exit code', replica('web-r2-1', { state: 'dead' }), 'web-r2-1 exited.'],
    [
      'without an answer to a probe',
      replica('web-r2-1', { unhealthyForMs: 1 }),
      'web-r2-1 failed its probe 0 times in a row: no answer.',
    ],
  ])('%s', (_, of, message) => {
    expect(find({ replicas: [of] })?.message).toBe(message);
  });

  it('a proxy is not to blame where a replica is not ready', () => {
    const behind = { proxies: [{ id: 'p1', applied: 1, busy: {}, refused: {} }] };
    const given = { ...routed({ 1: 100 }, ready(1, 3)), ...behind, replicas: [replica('web-r2-1')] };
    expect(judgeDeadline(world({ ...given, memory: { rollout: trial } }), trial)).toMatchObject({
      ...{ reason: 'progress-deadline', message: 'No progress before the deadline.' },
    });
  });
});
