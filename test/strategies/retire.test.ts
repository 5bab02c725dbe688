import { describe, expect, it } from 'vitest';
import { describePlan } from '../../strategies/describe.ts';
import { planRetirement } from '../../strategies/retire.ts';
import { entry, type Given, NOW, observedOf, ready, rollout, routed, SPEC } from './fixture.ts';

const retire = (given: Given) => planRetirement(SPEC, observedOf(given), NOW);
const lines = (given: Given) => describePlan(retire(given), NOW).filter((line) => !line.startsWith('wake'));
const replicas = ready(1, 2);
const closed = { route: { value: { ...entry({}, []), routes: [] }, revision: 60 } };
const command = { value: { ok: true, value: { word: 'abort', to: null } }, revision: 77 } as const;
const handled = { version: 'v2', versionRevision: 5, settingsHash: 'settings-1' };

describe('planRetirement', () => {
  it.each<readonly [string, Given, readonly string[]]>([
    ['first out of the table', { replicas, ...routed({ 1: 100 }, replicas) }, ['route none']],
    ['then drained and stopped', { replicas, ...closed }, ['stop web-r1-1', 'stop web-r1-2']],
    [
      'not before the proxies know',
      { replicas, ...closed, proxies: [{ id: 'p', applied: 59, busy: {}, refused: {} }] },
      [],
    ],
    [
      'out of the table without routes too, which a proxy could refuse',
      { replicas, route: { value: entry({}, []), revision: 60 } },
      ['route none', 'stop web-r1-1', 'stop web-r1-2'],
    ],
    ['then nothing is left', { ...closed }, ['route gone']],
  ])('%s', (_, given, does) => {
    expect(lines(given)).toEqual(does);
  });

  it('a rollout, manual weights and a warm revision end with it', () => {
    const { memory, writes, report } = retire({
      memory: { rollout: rollout(), warm: { revision: 2, until: NOW + 1 } },
      replicas,
    });
    expect([memory.rollout, memory.warm, memory.manual]).toEqual([null, null, null]);
    expect(writes.retired).toBeUndefined();
    expect(report).toMatchObject({ phase: 'retiring', message: 'The spec is gone: stopping 2 replicas.' });
  });

  it('a rollout ends as aborted, or as what it was turned back for', () => {
    const verdict = {
      outcome: 'rolled-back',
      reason: 'probe-failed',
      message: 'Bad.',
      evidence: [],
    } as const;
    const ends = [{}, { stage: 'returning', verdict } as const].map(
      (of) => retire({ memory: { rollout: rollout(of) }, replicas }).writes.finished?.[0],
    );
    expect(ends.map((end) => `${end?.id} ${end?.outcome} ${end?.reason}`)).toEqual([
      'web-2-10 aborted retiring',
      'web-2-10 rolled-back probe-failed',
    ]);
  });

  it('what was asked counts as asked no more, so that a spec which is put back asks anew', () => {
    const { memory } = retire({ memory: { handled }, replicas });
    expect(memory.handled).toEqual({ ...handled, settingsHash: '' });
  });

  it('what a stop was decided for stays dismissed', () => {
    const given = { replicas, ...closed, memory: { draining: { 'web-r1-1': NOW, 'web-r1-2': NOW } } };
    expect(retire(given).memory.dismissed).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('a command is consumed, and refused in the message', () => {
    const { memory, writes, report } = retire({ replicas, command });
    expect(writes.consume).toBe(77);
    expect(memory.answer).toMatchObject({ command: 77, refused: true });
    expect(report.message).toBe(
      'Refused: The spec is gone, and the service with it. The spec is gone: stopping 2 replicas.',
    );
  });

  it('with the last container gone, everything written goes', () => {
    expect(retire(closed).writes).toEqual({ route: null, retired: true });
  });
});

describe('planRetirement: what is left to say and to wait for', () => {
  const proxy = { id: 'p1', applied: 60, busy: { '1@10.0.1.1:8080': 1, '1@10.0.1.2:8080': 1 }, refused: {} };
  const draining = { 'web-r1-1': NOW - 1000, 'web-r1-2': NOW - 4000 };

  it('wakes at the first end of a drain, and else on a change only', () => {
    expect(retire({ replicas, ...closed, proxies: [proxy], memory: { draining } }).wakeAt).toBe(NOW + 26_000);
    expect(retire(closed).wakeAt).toBeNull();
  });

  it('wakes when a proxy whose key is missing is waited for no longer', () => {
    const memory = { draining: {}, proxies: { p1: NOW - 5000 } };
    expect(retire({ ...closed, proxies: [], memory }).wakeAt).toBe(NOW + 10_000);
  });

  it('writes no table where there is none, and none twice', () => {
    expect(retire({ replicas }).writes).toEqual({});
    expect('route' in retire({ replicas, ...closed }).writes).toBe(false);
  });

  it('says why, in the rollout and in the report', () => {
    const { writes, report, memory } = retire({ memory: { rollout: rollout() }, replicas: ready(1, 1) });
    expect(writes.finished).toMatchObject([{ message: 'The spec was deleted.', evidence: [] }]);
    expect(report).toEqual({
      ...{ phase: 'retiring', reason: 'retiring', message: 'The spec is gone: stopping 1 replica.' },
      ...{ next: null, stable: null, candidate: null, step: null },
    });
    expect(memory.handled).toBeNull();
  });
});
