import { describe, expect, it } from 'vitest';
import type { Replica, Rollout, ServiceSpec, Verdict } from '../../strategies/model.ts';
import {
  beginRollout,
  endReturn,
  pauseRollout,
  resumeRollout,
  shiftTimes,
  startAdvancing,
  startReturning,
  succeedRollout,
} from '../../strategies/rollout.ts';
import { blueGreen, canary, specOf, withSettings } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, revision, rollout, SPEC, world } from './fixture.ts';

const request = { kind: 'release', version: 'v3', requested: 12, insists: false, existing: null } as const;
const evidence = [{ replica: 'web-r2-1', probe: null, exitCode: 1, outOfMemory: false, log: [] }];
const bad: Verdict = { outcome: 'rolled-back', reason: 'container-exited', message: 'Bad.', evidence };

const exited = replica('web-r2-3', { state: 'exited' });
const paused = { since: NOW, by: 'failure', reason: 'probe-failed' } as const;
const leavingOne: Given = {
  replicas: [...ready(1, 1), ...ready(2, 3)],
  memory: { draining: { 'web-r1-1': NOW - 1000 } },
};
const isReady = ({ state, probe }: Replica) => state === 'running' && probe.readySince !== null;

describe('beginRollout', () => {
  const begin = (given: Given = {}) => beginRollout(world(given), request).memory.rollout;

  it('has an id of what is asked by what, an absolute deadline, and the next number', () => {
    expect(begin()).toMatchObject({
      ...{ id: 'web-3-12', revision: 3, stage: 'resolving', resolved: false, startedAt: NOW },
      ...{ deadline: NOW + 600_000, progress: 0, held: false, promoted: false, paused: null, verdict: null },
    });
  });

  it('has a number above that of every container: those of a lost record are not its own', () => {
    expect(begin({ replicas: [...ready(1, 1), ...ready(7, 2)] })).toMatchObject({
      id: 'web-8-12',
      revision: 8,
    });
  });

  it('and above that of every record', () => {
    expect(begin({ revisions: [revision(1), revision(5)] })).toMatchObject({ id: 'web-6-12', revision: 6 });
  });

  it.each<readonly [string, Given, boolean]>([
    ['gated by a stable revision that serves', { replicas: ready(1, 1) }, true],
    ['not by one that does not', { replicas: [replica('web-r1-1')] }, false],
    ['not by none', { memory: { stable: null }, replicas: ready(2, 3) }, false],
    ['not by one without the port that there is now', { replicas: ready(1, 3, { address: null }) }, false],
    [
      'without a port, by what is ready',
      { spec: withSettings(SPEC, { port: null }), replicas: ready(1, 3, { address: null }) },
      true,
    ],
  ])('%s', (_, given, gated) => {
    expect(begin(given)?.gated).toBe(gated);
  });

  it('one in its bake with nothing stable behind it is what there is to return to', () => {
    const under = rollout({ stage: 'monitoring', monitorUntil: NOW });
    const { memory } = beginRollout(world({ memory: { stable: null, rollout: under } }), request);
    expect(memory.stable).toBe(2);
  });

  it.each<readonly [string, Partial<Rollout>, Given, number]>([
    ['one in its bake, where the stable one has gone', {}, { replicas: ready(2, 3) }, 2],
    ['one in its bake, where the stable one is on its way out', {}, leavingOne, 2],
    ['not where the stable one still stands', {}, { replicas: [...ready(1, 3), ...ready(2, 3)] }, 1],
    ['nor where it is not probed yet', {}, { replicas: [replica('web-r1-1'), ...ready(2, 3)] }, 1],
    ['not one that has failed in it', {}, { replicas: [...ready(2, 2), exited] }, 1],
    ['not one that was paused for a failure', { paused }, { replicas: ready(2, 3) }, 1],
    ['not before its bake', { stage: 'advancing' }, { replicas: ready(2, 3) }, 1],
    ['not on its way back', { stage: 'returning', verdict: bad }, { replicas: ready(2, 3) }, 1],
  ])('what there is to return to after it: %s', (_, of, given, stable) => {
    const under = rollout({ stage: 'monitoring', monitorUntil: NOW, ...of });
    const { memory } = beginRollout(
      world({ ...given, memory: { ...given.memory, rollout: under } }),
      request,
    );
    expect([memory.stable, memory.formerly]).toEqual([stable, stable === 2 ? [1] : []]);
    expect(memory.rollout?.gated).toBe(given.replicas?.some((r) => r.revision === stable && isReady(r)));
  });

  it('one that was going back ends as what it was', () => {
    const under = rollout({ stage: 'returning', verdict: bad });
    const { writes } = beginRollout(world({ memory: { rollout: under } }), request);
    expect(writes.finished).toMatchObject([{ outcome: 'rolled-back', reason: 'container-exited', evidence }]);
  });
});

describe('startReturning puts into quarantine', () => {
  const blame = (verdict: Verdict, of = rollout(), given: Given = {}) =>
    startReturning(world({ memory: { rollout: of }, ...given }), of, verdict).writes.quarantine;

  it('what is to blame, with the reason and the rollout', () => {
    expect(blame(bad)).toEqual({
      ...{ digest: 'sha256:v2', reason: 'container-exited', rollout: 'web-2-10', message: 'Bad.' },
    });
  });

  it.each([
    ['not what an operator turned back', blame({ ...bad, reason: 'aborted-by-operator' })],
    ['not a rollback', blame(bad, rollout({ kind: 'rollback' }))],
    ['not what has no record', blame(bad, rollout({ revision: 9 }))],
    [
      'not the digest that is stable',
      blame(bad, rollout(), { revisions: [revision(1), revision(2, { digest: 'sha256:v1' })] }),
    ],
  ])('%s', (_, quarantine) => {
    expect(quarantine).toBeUndefined();
  });

  it('and its times begin anew', () => {
    const of = rollout({ held: true, monitorUntil: 5, deadline: 5 });
    const { rollout: next } = startReturning(world({ memory: { rollout: of } }), of, bad).memory;
    expect(next).toMatchObject({
      stage: 'returning',
      held: false,
      monitorUntil: null,
      deadline: NOW + 600_000,
    });
  });
});

it('what is on its way back already is turned back within the time that it has', () => {
  const of = rollout({ stage: 'returning', verdict: { ...bad, outcome: 'succeeded' }, deadline: NOW + 5 });
  const { rollout: next } = startReturning(world({ memory: { rollout: of } }), of, bad).memory;
  expect([next?.verdict, next?.deadline]).toEqual([bad, NOW + 5]);
});

describe('succeedRollout', () => {
  it('the candidate is stable, the one before is remembered', () => {
    const { memory, writes } = succeedRollout(world({ memory: { rollout: rollout() } }), rollout());
    expect(memory).toMatchObject({ stable: 2, formerly: [1], rollout: null, warm: null, failed: false });
    expect(writes.finished).toMatchObject([
      { id: 'web-2-10', outcome: 'succeeded', digest: 'sha256:v2', endedAt: NOW },
    ]);
  });

  it('blue-green keeps it warm, but not after a rollback', () => {
    const w = world({ spec: specOf(blueGreen()) });
    expect(succeedRollout(w, rollout()).memory.warm).toEqual({ revision: 1, until: NOW + 300_000 });
    expect(succeedRollout(w, rollout({ kind: 'rollback' })).memory.warm).toBeNull();
  });
});

describe('endReturn', () => {
  it.each([
    [null, 'failed', true],
    [1, 'failed', false],
    [null, 'aborted', false],
  ] as const)('stable %s, %s: the service has failed %s', (stable, outcome, failed) => {
    const verdict = { ...bad, outcome };
    expect(endReturn(world({ memory: { stable } }), rollout(), verdict).memory.failed).toBe(failed);
  });
});

describe('times', () => {
  it('all absolute ones move together', () => {
    const step = { index: 1, startedAt: 5, endsAt: 100 };
    expect(shiftTimes(rollout({ deadline: 10, monitorUntil: 20, step }), 7)).toMatchObject({
      ...{ deadline: 17, monitorUntil: 27, step: { index: 1, startedAt: 5, endsAt: 107 } },
    });
    expect(shiftTimes(rollout({ deadline: 10 }), 7)).toMatchObject({
      deadline: 17,
      monitorUntil: null,
      step: null,
    });
  });

  it('a failure in a pause does not begin the pause anew', () => {
    const held = pauseRollout(rollout(), 'operator', 'paused-by-operator', NOW - 500);
    expect(pauseRollout(held, 'failure', 'probe-failed', NOW).paused).toEqual({
      ...{ since: NOW - 500, by: 'failure', reason: 'probe-failed' },
    });
  });
});

describe('startAdvancing', () => {
  const begin = (spec: ServiceSpec, of: Partial<Rollout> = {}) =>
    startAdvancing(world({ spec, memory: { rollout: rollout(of) } }), rollout(of), null).memory.rollout;

  it('a canary is on its first step', () => {
    expect(begin(specOf(canary()))).toMatchObject({
      ...{ strategy: 'canary', stage: 'advancing', resolved: true },
      step: { index: 0, startedAt: NOW, endsAt: null },
    });
    const steps = [{ kind: 'pause', durationMs: 9 }] as const;
    expect(begin(specOf(canary({ steps })))?.step?.endsAt).toBe(NOW + 9);
  });

  it.each([
    ['a rollback has none', specOf(canary()), { kind: 'rollback' } as const],
    ['nor has another strategy', specOf(blueGreen()), {}],
  ])('%s', (_, spec, of) => {
    expect(begin(spec, of)).toMatchObject({ strategy: spec.strategy.type, step: null });
  });

  it('its number is taken from then on', () => {
    const under = rollout({ revision: 7 });
    const next = (nextRevision: number) =>
      startAdvancing(world({ memory: { nextRevision } }), under, null).memory.nextRevision;
    expect([next(3), next(9)]).toEqual([8, 9]);
  });
});

describe('what was stable before', () => {
  it.each([
    [1, [4]],
    [2, [3, 4]],
    [0, [4]],
  ])('of a window of %i', (history, formerly) => {
    const given = { spec: { ...SPEC, history }, memory: { stable: 4, formerly: [1, 3] } };
    expect(succeedRollout(world(given), rollout({ revision: 5 })).memory.formerly).toEqual(formerly);
    const under = rollout({ revision: 5, stage: 'monitoring', monitorUntil: NOW });
    const adopted = beginRollout(
      world({ ...given, memory: { ...given.memory, rollout: under } }),
      request,
    ).memory;
    expect([adopted.stable, adopted.formerly]).toEqual([5, formerly]);
  });

  it('is not kept warm where there was none', () => {
    const w = world({ spec: specOf(blueGreen()), memory: { stable: null } });
    expect(succeedRollout(w, rollout()).memory.warm).toBeNull();
  });

  it('the words of a success', () => {
    const { writes } = succeedRollout(world(), rollout());
    expect(writes.finished).toMatchObject([
      { outcome: 'succeeded', reason: null, message: 'All traffic is on it.', evidence: [] },
    ]);
  });
});

describe('resumeRollout', () => {
  it('what is not paused is left alone', () => {
    expect(resumeRollout(world(), rollout(), ['x'])).toEqual(rollout());
  });

  it('a step without an end gets none', () => {
    const step = { index: 1, startedAt: 5, endsAt: null };
    expect(shiftTimes(rollout({ step }), 7).step).toEqual(step);
  });
});

describe('what is put away', () => {
  it('a rollback whose candidate fails in its bake is where one wanted to be', () => {
    const under = rollout({ kind: 'rollback', stage: 'monitoring', monitorUntil: NOW });
    const given = { replicas: [...ready(2, 2), exited], memory: { rollout: under } };
    expect(beginRollout(world(given), request).memory.stable).toBe(2);
  });

  it('what has no record has no digest, and no quarantine', () => {
    const of = rollout({ revision: 9 });
    expect(startReturning(world(), of, bad).writes).toEqual({});
    expect(endReturn(world(), of, bad).writes.finished?.[0]?.digest).toBeNull();
  });
});

describe('what a newer request does', () => {
  it('ends the one before in these words, and what had failed is forgotten', () => {
    const { memory, writes } = beginRollout(world({ memory: { failed: true, rollout: rollout() } }), request);
    expect(writes.finished).toMatchObject([
      {
        ...{ id: 'web-2-10', outcome: 'superseded', reason: 'superseded' },
        ...{ message: 'A newer request took its place.', evidence: [] },
      },
    ]);
    expect(memory.failed).toBe(false);
  });
});
