// Whole decisions as text: what one pass writes and does, for each strategy at each of its turns.
import { describe, expect, it } from 'vitest';
import { decide, EMPTY_MEMORY } from '../../strategies/decide.ts';
import { describePlan } from '../../strategies/describe.ts';
import type { ManualSplit, ServiceSpec } from '../../strategies/model.ts';
import { blueGreen, canary, recreate, rolling, specOf } from '../sim/spec.ts';
import {
  entry,
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

const plan = (given: Given) => decide(given.spec ?? SPEC, observedOf(given), NOW);
const lines = (given: Given) => describePlan(plan(given), NOW).filter((line) => !line.startsWith('wake'));

const stood = { ...routed({ 1: 100 }, ready(1, 3)) };
const young = { readyForMs: 4999 };
const split = (given: Partial<ManualSplit>): ManualSplit => ({
  ...{
    weightsRevision: 9,
    since: NOW,
    requested: { v1: 50, v8: 50 },
    split: {},
    revisions: {},
    problem: null,
  },
  ...given,
});

interface Turn {
  readonly title: string;
  readonly given: Given;
  readonly does: readonly string[];
}

const of = (
  spec: ServiceSpec,
  turns: readonly (readonly [string, Given, readonly string[]])[],
): readonly Turn[] => turns.map(([title, given, does]) => ({ title, given: { spec, ...given }, does }));

const ROLLING = of(specOf(rolling()), [
  ['3 old: start one', { replicas: ready(1, 3), ...stood }, ['route r1 100', 'start web-r2-1']],
  [
    'it is ready, not for min_ready yet',
    { replicas: [...ready(1, 3), replica('web-r2-1', young)], ...stood },
    ['route r1 100'],
  ],
  [
    'available: one old leaves, in the same table',
    { replicas: [...ready(1, 3), ...ready(2, 1)], ...stood },
    ['route r1 67 r2 33'],
  ],
  [
    'unready old ones go first',
    {
      replicas: [replica('web-r1-1'), ...ready(1, 3).slice(1), ...ready(2, 1)],
      ...routed({ 1: 100 }, ready(1, 3).slice(1)),
    },
    ['route r1 67 r2 33', 'stop web-r1-1'],
  ],
]);

const STOP_FIRST = of(specOf(rolling({ surge: { count: 0 }, unavailable: { count: 1 } })), [
  ['3 old: one leaves', { replicas: ready(1, 3), ...stood }, ['route r1 100']],
  [
    '2 old are left: start one',
    { replicas: ready(1, 2), ...routed({ 1: 100 }, ready(1, 2)) },
    ['route r1 100', 'start web-r2-1'],
  ],
]);

const RECREATE = of(specOf(recreate()), [
  ['everything old leaves', { replicas: ready(1, 3), ...stood }, ['route none, park']],
  [
    'nothing starts before the last is gone',
    { replicas: ready(1, 1, { stopping: true }), memory: { draining: { 'web-r1-1': NOW } } },
    ['route none, park'],
  ],
  [
    'then everything new starts',
    {},
    ['route none, park', 'start web-r2-1', 'start web-r2-2', 'start web-r2-3'],
  ],
]);

const BLUE_GREEN = of(specOf(blueGreen()), [
  [
    'the candidate comes up in full',
    { replicas: ready(1, 3), ...stood },
    ['route r1 100', 'start web-r2-1', 'start web-r2-2', 'start web-r2-3'],
  ],
  [
    'not all of it is up',
    { replicas: [...ready(1, 3), ...ready(2, 2), replica('web-r2-3', young)], ...stood },
    ['route r1 100'],
  ],
  ['it is: one swap', { replicas: [...ready(1, 3), ...ready(2, 3)], ...stood }, ['route r2 100']],
]);

const CANARY = of(specOf(canary()), [
  [
    'the replicas of the first weight',
    { replicas: ready(1, 3), ...stood },
    ['route r1 100', 'start web-r2-1'],
  ],
  ['then the weight', { replicas: [...ready(1, 3), ...ready(2, 1)], ...stood }, ['route r1 90 r2 10']],
]);

const step = { index: 0, startedAt: NOW, endsAt: null };

describe.each([
  ['rolling, start-first', ROLLING],
  ['rolling, stop-first', STOP_FIRST],
  ['recreate', RECREATE],
  ['blue-green', BLUE_GREEN],
  ['canary', CANARY],
])('%s', (_, turns) => {
  it.each(turns)('$title', ({ given, does }) => {
    const strategy = given.spec?.strategy.type ?? 'rolling';
    const under = rollout({ strategy, step: strategy === 'canary' ? step : null });
    expect(lines({ ...given, memory: { ...given.memory, rollout: under } })).toEqual(does);
  });
});

describe('outside rollouts', () => {
  const calm = { replicas: ready(1, 3), route: { value: calmEntry(), revision: 50 } };
  function calmEntry() {
    return { ...entry({ 1: 100 }, ready(1, 3)), roles: { stable: 1, candidate: null } };
  }

  it('nothing to do is no plan', () => {
    const said = plan(calm);
    expect([said.writes, said.actions, said.wakeAt]).toEqual([{}, [], null]);
    expect(said.memory).toEqual(observedOf(calm).memory);
  });

  it('nothing asked yet: nothing wanted', () => {
    expect(lines({ memory: EMPTY_MEMORY, revisions: [] })).toEqual(['route none']);
  });

  it('a first version is resolved before anything else', () => {
    const version = { value: { ok: true, value: 'v1' }, revision: 7 } as const;
    expect(lines({ memory: EMPTY_MEMORY, revisions: [], version })).toEqual([
      'route none',
      'resolve registry.example.com/shop/web:v1',
    ]);
  });

  it('leftovers of no known revision go', () => {
    expect(lines({ ...calm, replicas: [...ready(1, 3), ...ready(8, 1)] })).toEqual(['stop web-r8-1']);
  });

  it('a warm one stays until its time', () => {
    const replicas = [...ready(1, 3), ...ready(2, 3)];
    const until = (warmUntil: number) =>
      lines({ ...calm, replicas, memory: { warm: { revision: 2, until: warmUntil } } });
    expect(until(NOW + 1)).toEqual([]);
    expect(until(NOW)).toEqual(['stop web-r2-1', 'stop web-r2-2', 'stop web-r2-3']);
  });
});

describe('when to wake', () => {
  const wake = (given: Given) => {
    const { wakeAt } = plan(given);
    return wakeAt === null ? null : wakeAt - NOW;
  };
  const trial = (given: Parameters<typeof rollout>[0], more: Given = {}) =>
    wake({ replicas: ready(1, 3), ...stood, ...more, memory: { rollout: rollout(given) } });
  const pulling = { kind: 'pulling', progress: '', changedAt: NOW - 1000 } as const;
  const failed = {
    kind: 'failed',
    failure: 'network',
    message: '',
    attempts: 1,
    firstAt: NOW,
    retryAt: NOW + 3000,
  } as const;
  const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;

  it.each([
    ['at the deadline', trial({ progress: 5e12 }), 600_000],
    ['not at the deadline in a pause', trial({ progress: 5e12, paused }), null],
    [
      'when a candidate becomes available',
      trial({ progress: 5e12 }, { replicas: [...ready(1, 3), replica('web-r2-1', { readyForMs: 1000 })] }),
      4000,
    ],
    [
      'when a pull may be tried again',
      trial({ stage: 'resolving' }, { images: { 'web-2-10': failed } }),
      3000,
    ],
    [
      'when a pull has not moved for too long',
      trial({ stage: 'resolving', deadline: NOW - 1 }, { images: { 'web-2-10': pulling } }),
      599_000,
    ],
    [
      'when a refused start may be tried again',
      trial({ progress: 5e12 }, { troubles: [trouble('web-r2-1', { reason: 'name-conflict', at: NOW })] }),
      250,
    ],
  ])('%s', (_, inMs, expected) => {
    expect(inMs).toBe(expected);
  });

  it('at the end of the bake, and when it may go on no longer', () => {
    const spec = specOf(rolling());
    const replicas = ready(2, 3);
    const bake = (monitorUntil: number, up = replicas) =>
      wake({
        spec,
        replicas: up,
        ...routed({ 2: 100 }, replicas),
        memory: {
          rollout: rollout({ stage: 'monitoring', monitorUntil, progress: 5e12, deadline: NOW - 1 }),
        },
      });
    expect(bake(NOW + 20_000)).toBe(20_000);
    expect(bake(NOW - 100_000, replicas.slice(1))).toBe(500_000);
  });
});

describe('records beyond the window', () => {
  const known = [1, 2, 3, 4, 5].map((number) => revision(number));
  const spec = { ...SPEC, history: 2 };
  const of = { stable: 5, formerly: [4] };
  const weights = { weights: { value: { ok: true, value: { v1: 50, v8: 50 } }, revision: 9 } as const };
  it.each<readonly [string, Given, readonly number[] | undefined]>([
    ['go', {}, [3, 2, 1]],
    ['not that of which something still stands', { replicas: [...ready(5, 3), ...ready(2, 1)] }, [3, 1]],
    ['not in a rollout', { memory: { ...of, rollout: rollout({ revision: 6 }) } }, undefined],
    ['not under manual weights', { ...weights, memory: { ...of, manual: split({}) } }, undefined],
    ['none is beyond it', { revisions: known.slice(3) }, undefined],
  ])('%s', (_, given, forget) => {
    const all = { spec, revisions: known, replicas: ready(5, 3), memory: of, ...given };
    expect(plan(all).writes.forget).toEqual(forget);
  });
});

describe('what follows at once is done in the same pass', () => {
  const asked = (version: string, revisionOfKey = 12) =>
    ({ version: { value: { ok: true, value: version }, revision: revisionOfKey } }) as const;
  const resolvedAs = (digest: string) => ({ kind: 'resolved', digest, reference: `web@${digest}` }) as const;
  const handled = { version: 'v2', versionRevision: 10, settingsHash: 'settings-1' };

  it('a version whose image is known is begun, written and started', () => {
    const images = { 'web-3-12': resolvedAs('sha256:v3') };
    const said = plan({ replicas: ready(1, 3), ...stood, ...asked('v3'), images });
    expect(said.writes.revisions).toMatchObject([{ number: 3, digest: 'sha256:v3' }]);
    expect(said.writes.finished).toBeUndefined();
    expect(said.actions).toMatchObject([
      { kind: 'start', name: 'web-r3-1', revision: { number: 3, created: new Date(NOW).toISOString() } },
    ]);
  });

  it('one that takes the place of another, and is there already, ends both', () => {
    const images = { 'web-3-12': resolvedAs('sha256:v1') };
    const memory = { rollout: rollout(), handled };
    const { writes, memory: next } = plan({
      replicas: ready(1, 3),
      ...stood,
      ...asked('v1'),
      images,
      memory,
    });
    const ends = writes.finished?.map(({ id, outcome }) => `${id} ${outcome}`);
    expect(ends).toEqual(['web-2-10 superseded', 'web-3-12 succeeded']);
    expect([next.rollout, writes.revisions]).toEqual([null, undefined]);
  });

  it('what fails is in quarantine, and not begun again', () => {
    const replicas = [...ready(1, 3), replica('web-r2-1', { state: 'exited' })];
    const memory = { rollout: rollout(), handled };
    const said = plan({ replicas, ...stood, ...asked('v2', 10), memory });
    expect(said.writes.quarantine?.digest).toBe('sha256:v2');
    expect(said.writes.finished).toMatchObject([{ id: 'web-2-10', outcome: 'rolled-back' }]);
    expect(said.memory.rollout).toBeNull();
    expect(said.report.reason).toBe('quarantined');
  });
});

describe('images are asked for', () => {
  const asks = (given: Given) => plan(given).actions.filter(({ kind }) => kind === 'resolve-image');
  const failed = { kind: 'failed', failure: 'network', message: '', attempts: 1, firstAt: NOW } as const;
  const resolving = { memory: { rollout: rollout({ stage: 'resolving' }) } };

  it.each<readonly [string, Given['images'], number]>([
    ['at first', {}, 1],
    ['where the engine lost it', { 'web-2-10': { kind: 'absent' } }, 1],
    ['again when it is time', { 'web-2-10': { ...failed, retryAt: NOW } }, 1],
    ['not before', { 'web-2-10': { ...failed, retryAt: NOW + 1 } }, 0],
    ['not while it comes', { 'web-2-10': { kind: 'pulling', progress: '', changedAt: NOW } }, 0],
  ])('%s', (_, images = {}, count) => {
    expect(asks({ ...resolving, images })).toHaveLength(count);
  });

  it('for manual weights, of each version that runs nowhere', () => {
    const under = (given: Parameters<typeof split>[0]) =>
      asks({ ...written, memory: { manual: split(given) } });
    const written = { weights: { value: { ok: true, value: { v1: 50, v8: 50 } }, revision: 9 } } as const;
    expect(under({})).toEqual([
      {
        ...{ kind: 'resolve-image', id: 'weights-9-v8', image: SPEC.image, version: 'v8' },
        ...{ policy: SPEC.pull, networks: [] },
      },
    ]);
    expect(under({ problem: 'v8 cannot run' })).toEqual([]);
  });
});

describe('under manual weights', () => {
  const weights = { value: { ok: true, value: { v1: 100 } }, revision: 9 } as const;

  it('a rollout stays where it is', () => {
    const manual = split({ requested: { v1: 100 }, split: { v1: 100 }, revisions: { v1: 1 } });
    const memory = { manual, rollout: rollout({ deadline: NOW - 1, progress: 9e12 }) };
    const said = plan({ replicas: ready(1, 3), ...stood, weights, memory });
    expect([said.memory.rollout, said.writes.finished]).toEqual([memory.rollout, undefined]);
  });

  it('also before the first split of them can be had', () => {
    const unknown = { value: { ok: true, value: { v8: 100 } }, revision: 9 } as const;
    const manual = split({ requested: { v8: 100 } });
    const memory = { manual, rollout: rollout({ deadline: NOW - 1, progress: 9e12 }) };
    const said = plan({ replicas: ready(1, 3), ...stood, weights: unknown, memory });
    expect(said.memory.rollout).toEqual(memory.rollout);
  });
});

describe('when to wake, the nearest of', () => {
  const wakeAt = (given: Given) => (plan(given).wakeAt ?? 0) - NOW;
  const both = [...ready(1, 3), ...ready(2, 1)];

  it('the end of a step', () => {
    const under = rollout({
      ...{ strategy: 'canary', step: { index: 1, startedAt: NOW, endsAt: NOW + 7000 } },
      ...{ held: true, progress: 9e12 },
    });
    const given = { spec: specOf(canary()), replicas: both, memory: { rollout: under } };
    expect(wakeAt({ ...given, ...routed({ 1: 90, 2: 10 }, both) })).toBe(7000);
  });

  it('the end of what is kept warm', () => {
    const memory = { warm: { revision: 2, until: NOW + 8000 } };
    expect(wakeAt({ replicas: both, ...routed({ 1: 100 }, ready(1, 3)), memory })).toBe(8000);
  });
});

describe('manual weights, in one pass', () => {
  const of = (value: Readonly<Record<string, number>>) =>
    ({ weights: { value: { ok: true, value }, revision: 9 } }) as const;
  const both = [...ready(1, 3), ...ready(2, 1)];

  it('are in force at once where every version runs', () => {
    const { manual } = plan({ replicas: ready(1, 3), ...stood, ...of({ v1: 100 }) }).memory;
    expect(manual).toMatchObject({ split: { v1: 100 }, revisions: { v1: 1 } });
  });

  it('change nothing of a rollout before they can be had', () => {
    const step = { index: 1, startedAt: NOW, endsAt: NOW + 9000 };
    const under = rollout({ strategy: 'canary', step, progress: 9e12, held: true });
    const given = { spec: specOf(canary()), replicas: both, ...routed({ 1: 90, 2: 10 }, both) };
    const said = plan({ ...given, ...of({ v8: 100 }), memory: { rollout: under } });
    expect(said.actions.map(({ kind }) => kind)).toEqual(['resolve-image']);
    expect(said.writes.route?.split).toEqual({ 1: 90, 2: 10 });
  });

  it('are looked at again when a pull is tried again, and not in this moment', () => {
    const image = { kind: 'failed', failure: 'network', message: '', attempts: 1, firstAt: NOW } as const;
    const wake = (retryAt: number) =>
      plan({
        ...{ replicas: ready(1, 3), ...stood, ...of({ v8: 100 }) },
        images: { 'weights-9-v8': { ...image, retryAt } },
      }).wakeAt;
    expect([wake(NOW + 3000), wake(NOW)]).toEqual([NOW + 3000, null]);
  });
});

it('a delay between batches is what to wake for', () => {
  const replicas = [...ready(1, 2), ...ready(2, 1)];
  const batch = { replicas: 1, nextAt: NOW + 4000 };
  const under = rollout({ batch, held: true, progress: 9e12 });
  const given = {
    spec: specOf(rolling({ delayMs: 60_000 })),
    replicas,
    ...routed({ 1: 67, 2: 33 }, replicas),
  };
  expect(plan({ ...given, memory: { rollout: under } }).wakeAt).toBe(NOW + 4000);
});
