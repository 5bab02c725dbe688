import { describe, expect, it } from 'vitest';
import { decide } from '../../strategies/decide.ts';
import type { FinishedRollout, Report } from '../../strategies/model.ts';
import { canary, specOf } from '../sim/spec.ts';
import {
  addressOf,
  type Given,
  NOW,
  observedOf,
  ready,
  replica,
  revision,
  rollout,
  routed,
  SPEC,
  trouble,
} from './fixture.ts';

const reportOf = (given: Given): Report => decide(given.spec ?? SPEC, observedOf(given), NOW).report;
const calm: Given = { replicas: ready(1, 3), ...routed({ 1: 100 }, ready(1, 3)) };
const trial = (of: Parameters<typeof rollout>[0], more: Given = {}): Given => {
  return { ...calm, ...more, memory: { rollout: rollout({ progress: 5e12, ...of }), ...more.memory } };
};
const ended: FinishedRollout = {
  ...{ id: 'web-2-5', kind: 'release', strategy: 'rolling', requested: 5, revision: 2, version: 'v2' },
  ...{ digest: 'sha256:v2', outcome: 'rolled-back', reason: 'probe-failed', message: 'It was bad.' },
  ...{ startedAt: 0, endedAt: 0, evidence: [] },
};
const behind = { proxies: [{ id: 'p1', applied: 49, busy: {}, refused: {} }] };
const spoilt = { value: { ok: false, problem: 'empty' }, revision: 9 } as const;
const manual = {
  ...{ weightsRevision: 9, since: NOW, requested: { v1: 90, v2: 10 }, split: { v1: 90, v2: 10 } },
  ...{ revisions: { v1: 1, v2: 2 }, problem: null },
};
const weights = { value: { ok: true, value: { v1: 90, v2: 10 } }, revision: 9 } as const;

describe('phase, reason and one sentence', () => {
  it.each<readonly [string, Given, string, string | null, string]>([
    ['all is well', calm, 'idle', null, 'Running v1, 3 replicas.'],
    [
      'nothing was asked',
      { memory: { stable: null } },
      'idle',
      'no-version',
      'Nothing runs: no version is set.',
    ],
    [
      'a replica is missing',
      { ...calm, replicas: ready(1, 2) },
      'idle',
      'healing',
      'v1: 2 of 3 replicas ready.',
    ],
    [
      'it cannot be started',
      { ...calm, replicas: ready(1, 2), troubles: [trouble('web-r1-3', { reason: 'no-space' })] },
      'idle',
      'no-space',
      'v1: 2 of 3 replicas ready. web-r1-3: no',
    ],
    ['frozen', { ...calm, freeze: 'sale' }, 'frozen', 'frozen', 'Frozen: sale.'],
    [
      'failed for good',
      { memory: { stable: null, failed: true, last: { ...ended, outcome: 'failed' } } },
      'failed',
      'probe-failed',
      'Nothing runs. It was bad.',
    ],
    [
      'rolled back, in quarantine',
      { ...calm, memory: { last: ended }, quarantined: ['sha256:v2'] },
      'idle',
      'quarantined',
      'Running v1, 3 replicas. v2 ended as rolled-back: It was bad.',
    ],
    [
      'rolled back',
      { ...calm, memory: { last: ended } },
      'idle',
      'probe-failed',
      'Running v1, 3 replicas. v2 ended as rolled-back: It was bad.',
    ],
    [
      'rolled back and restarted since, in quarantine',
      {
        ...calm,
        version: { value: { ok: true, value: 'v2' }, revision: 5 },
        memory: {
          handled: { version: 'v2', versionRevision: 5, settingsHash: 'settings-1' },
          last: { ...ended, kind: 'restart', version: 'v1', digest: 'sha256:v1', outcome: 'succeeded' },
        },
        quarantined: ['sha256:v2'],
      },
      'idle',
      'quarantined',
      'Running v1, 3 replicas. v2 is asked for; retry runs it.',
    ],
    [
      'gone back by an operator to other settings',
      {
        ...calm,
        ...{ version: { value: { ok: true, value: 'v1' }, revision: 5 }, settingsHash: 'settings-2' },
        memory: { handled: { version: 'v1', versionRevision: 5, settingsHash: 'settings-2' } },
      },
      'idle',
      null,
      'Running v1, 3 replicas. v1 with other settings is asked for; retry runs it.',
    ],
    [
      'a version that does not parse',
      { ...calm, version: spoilt },
      'invalid',
      'invalid-version',
      'version: empty. What runs goes on.',
    ],
    [
      'weights that do not parse',
      { ...calm, weights: { value: { ok: false, problem: 'sum 90' }, revision: 9 } },
      'invalid',
      'invalid-weights',
      'weights: sum 90. The split before stays.',
    ],
    [
      'manual weights',
      { ...calm, weights, memory: { manual } },
      'idle',
      'manual-weights',
      'Manual weights: v1 90 %, v2 10 %; the strategy is suspended. Waiting for 1 replica.',
    ],
    ['new ones start', trial({}), 'progressing', 'starting-replicas', 'Starting replicas of v2.'],
    [
      'they start',
      trial({}, { replicas: [...ready(1, 3), replica('web-r2-1')] }),
      'progressing',
      'starting-replicas',
      'Waiting for 1 replica of v2.',
    ],
    [
      'a name is taken',
      trial({}, { troubles: [trouble('web-r2-1', { reason: 'name-conflict' })] }),
      'progressing',
      'name-conflict',
      'web-r2-1: no',
    ],
    [
      'a proxy is behind',
      trial({}, behind),
      'progressing',
      'waiting-for-proxies',
      'Waiting for p1 to apply the table.',
    ],
    [
      'in the bake',
      trial({ stage: 'monitoring', monitorUntil: NOW + 9000 }),
      'monitoring',
      'monitoring',
      'All traffic is on v2; watching it.',
    ],
    [
      'paused',
      trial({ paused: { since: NOW, by: 'operator', reason: 'paused-by-operator' } }),
      'paused',
      'paused-by-operator',
      'Paused by an operator; resume or abort.',
    ],
    [
      'paused on failure',
      trial({ paused: { since: NOW, by: 'failure', reason: 'probe-failed' } }),
      'paused',
      'paused-on-failure',
      'Paused on failure (probe-failed); resume, retry or abort.',
    ],
    [
      'aborting',
      trial(
        {
          stage: 'returning',
          verdict: { outcome: 'aborted', reason: null, message: 'By hand.', evidence: [] },
        },
        { replicas: [] },
      ),
      'aborting',
      'returning',
      'Going back: By hand.',
    ],
  ])('%s', (_, given, phase, reason, message) => {
    expect(reportOf(given)).toMatchObject({ phase, reason, message });
  });

  it('requests in flight on what leaves are counted', () => {
    const leaving = replica('web-r1-3', { readyForMs: 1 });
    const given = trial(
      {},
      {
        replicas: [...ready(1, 2), leaving, ...ready(2, 1)],
        ...routed({ 1: 67, 2: 33 }, [...ready(1, 2), ...ready(2, 1)]),
        memory: { draining: { 'web-r1-3': NOW }, rollout: rollout({ progress: 5e12 }) },
        proxies: [{ id: 'p1', applied: 100, busy: { [`1@${addressOf('web-r1-3')}`]: 3 }, refused: {} }],
      },
    );
    const { route: _, ...writes } = decide(SPEC, observedOf(given), NOW).writes;
    expect(writes).toEqual({});
    expect(reportOf(given)).toMatchObject({
      reason: 'draining',
      message: 'Waiting for 3 requests in flight on retired replicas.',
    });
  });

  it('a refused command is told before everything else', () => {
    const answer = { command: 3, text: 'Nothing to abort.', refused: true };
    expect(reportOf({ ...calm, memory: { answer } }).message).toBe(
      'Refused: Nothing to abort. Running v1, 3 replicas.',
    );
  });
});

describe('both roles', () => {
  it('say what is wanted, ready and there, and what weight is desired and effective', () => {
    const { stable, candidate } = reportOf(trial({}, { replicas: [...ready(1, 3), replica('web-r2-1')] }));
    expect(stable).toEqual({
      ...{ revision: 1, version: 'v1', digest: 'sha256:v1' },
      replicas: { wanted: 3, ready: 3, total: 3 },
      weight: { desired: 100, effective: 100 },
    });
    expect(candidate).toEqual({
      ...{ revision: 2, version: 'v2', digest: 'sha256:v2' },
      replicas: { wanted: 3, ready: 0, total: 1 },
      weight: { desired: 0, effective: 0 },
    });
  });

  it('there is no candidate once it is stable, nor one without a record', () => {
    expect(reportOf(calm).candidate).toBeNull();
    expect(
      reportOf(trial({ revision: 3, stage: 'resolving' }, { revisions: [revision(1)] })).candidate,
    ).toBeNull();
  });
});

describe('step and next', () => {
  const spec = specOf(canary());
  const at = (index: number, endsAt: number | null) =>
    reportOf(
      trial(
        { strategy: 'canary', step: { index, startedAt: NOW - 1000, endsAt } },
        { spec, ...routed({ 1: 100 }, ready(1, 3)) },
      ),
    );

  it('a weight that is being reached', () => {
    const { step, next } = at(0, null);
    expect(step).toEqual({ index: 0, count: 5, what: 'weight 10', started: NOW - 1000, ends: null });
    expect(next).toEqual({ what: 'progress deadline', at: NOW + 600_000 });
  });

  it('a pause', () => {
    const { step, next, message } = at(1, NOW + 3_480_000);
    expect([step?.what, step?.ends, next?.what]).toEqual(['pause 1h', NOW + 3_480_000, 'weight 50']);
    expect(message).toBe('Holding at 10 % for another 58 minutes.');
  });

  it('none where nothing is gated: a first release takes everything at once', () => {
    const step = { index: 0, startedAt: NOW, endsAt: null };
    expect(reportOf(trial({ strategy: 'canary', step, gated: false }, { spec })).step).toBeNull();
  });

  it('the last of it', () => {
    expect(at(4, null).step).toMatchObject({ index: 4, count: 5, what: 'weight 100' });
  });
});

describe('one sentence, in detail', () => {
  const said = (given: Given) => {
    const { phase, reason, message } = reportOf(given);
    return `${phase} ${reason}: ${message}`;
  };
  const refusing = { proxies: [{ id: 'p1', applied: 100, busy: {}, refused: { web: 'taken' } }] };
  const both = { replicas: [...ready(1, 3), ...ready(2, 1)] };
  const answer = { command: 7, text: 'Not now', refused: true };
  const probe = { ...replica('web-r2-1').probe, last: { at: NOW, ok: false, detail: 'no answer' } };

  it.each<readonly [string, Given, string]>([
    [
      'a refusal that is no sentence',
      { ...calm, memory: { answer } },
      'idle null: Refused: Not now. Running v1, 3 replicas.',
    ],
    [
      'weights that cannot be had',
      { ...calm, weights, memory: { manual: { ...manual, problem: 'v2 is in quarantine' } } },
      'invalid invalid-weights: weights: v2 is in quarantine. The split before stays.',
    ],
    [
      'a request waits in a freeze',
      { ...calm, freeze: 'sale', version: { value: { ok: true, value: 'v2' }, revision: 5 } },
      'frozen frozen: Frozen: sale. A request is waiting.',
    ],
    [
      'failed, and nobody knows why',
      { memory: { stable: null, failed: true } },
      'failed null: Nothing runs.',
    ],
    [
      'nothing is stable, and the last one was aborted',
      { memory: { stable: null, last: { ...ended, outcome: 'aborted', reason: 'aborted-by-operator' } } },
      'idle aborted-by-operator: Nothing runs. It was bad.',
    ],
    [
      'a stop that fails is not why one is missing',
      { ...calm, replicas: ready(1, 2), troubles: [trouble('web-r1-1', { action: 'stop' })] },
      'idle healing: v1: 2 of 3 replicas ready.',
    ],
    [
      'a proxy refuses the table',
      { ...calm, ...refusing },
      'idle waiting-for-proxies: Running v1, 3 replicas. p1 refuses the table: taken; it serves the one before.',
    ],
    [
      'a proxy refuses the table of a rollout',
      trial({}, { ...both, ...refusing }),
      'progressing waiting-for-proxies: p1 refuses the table: taken.',
    ],
    [
      'two of three proxies are behind',
      trial(
        {},
        {
          ...both,
          proxies: [
            { id: 'a', applied: 49, busy: {}, refused: {} },
            { id: 'b', applied: 50, busy: {}, refused: {} },
            { id: 'c', applied: 48, busy: {}, refused: {} },
          ],
        },
      ),
      'progressing waiting-for-proxies: Waiting for a, c to apply the table.',
    ],
    [
      'proxies have vanished',
      trial({}, { ...both, proxies: [], memory: { proxies: { a: NOW - 9000, b: NOW - 5000 } } }),
      'progressing waiting-for-proxies: a, b vanished without a word and may still serve; waiting for it, at most 10 seconds.',
    ],
    [
      'a replica that does not answer',
      trial({}, { replicas: [...ready(1, 3), replica('web-r2-1', { probe })] }),
      'progressing starting-replicas: Waiting for 1 replica of v2 (web-r2-1: no answer).',
    ],
    [
      'a replica is stopping',
      trial({}, { replicas: [...ready(1, 3), ...ready(2, 1), ...ready(3, 1, { stopping: true })] }),
      'progressing stopping-replicas: Stopping 1 replica.',
    ],
    [
      'one that is drained has no requests left',
      trial(
        {},
        {
          replicas: [...ready(1, 3), ...ready(2, 1), ...ready(3, 1)],
          memory: { draining: { 'web-r3-1': NOW } },
        },
      ),
      'progressing stopping-replicas: Stopping 1 replica.',
    ],
    [
      'requests on those that serve are nothing to wait for',
      trial(
        {},
        {
          ...both,
          proxies: [{ id: 'p1', applied: 100, busy: { [`1@${addressOf('web-r1-1')}`]: 5 }, refused: {} }],
        },
      ),
      'progressing starting-replicas: Starting replicas of v2.',
    ],
    [
      'on its way back',
      trial({ stage: 'returning', verdict: null }, { replicas: ready(1, 2) }),
      'progressing returning: Going back: Returned.',
    ],
  ])('%s', (_, given, sentence) => {
    expect(said(given)).toBe(sentence);
  });

  it('the end of a bake is what comes next', () => {
    const under = rollout({ stage: 'monitoring', monitorUntil: NOW + 9000, progress: 5e12 });
    const given = { replicas: ready(2, 3), ...routed({ 2: 100 }, ready(2, 3)), memory: { rollout: under } };
    expect(reportOf(given).next).toEqual({ what: 'finish', at: NOW + 9000 });
  });

  it('what has become stable is no candidate', () => {
    const under = rollout({ revision: 1, stage: 'returning', verdict: null, progress: 5e12 });
    expect(reportOf({ ...calm, replicas: ready(1, 2), memory: { rollout: under } }).candidate).toBeNull();
  });
});
