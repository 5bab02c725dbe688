import { describe, expect, it } from 'vitest';
import {
  advanceManual,
  findUnresolved,
  followWeights,
  nameManualImage,
  planManual,
} from '../../strategies/manual.ts';
import type { ImageState, ManualSplit } from '../../strategies/model.ts';
import { type Given, NOW, ready, revision, rollout, SPEC, world } from './fixture.ts';

const written = (value: Readonly<Record<string, number>>, etcd = 9) => ({
  weights: { value: { ok: true, value }, revision: etcd } as const,
});
const split = (given: Partial<ManualSplit> = {}): ManualSplit => ({
  ...{ weightsRevision: 9, since: NOW - 1000, requested: { v1: 70, v3: 30 }, split: {}, revisions: {} },
  problem: null,
  ...given,
});
const image = (state: ImageState): Given => ({ images: { 'weights-9-v3': state } });
const resolved = { kind: 'resolved', digest: 'sha256:v3', reference: 'r' } as const;
const missing = {
  kind: 'failed',
  failure: 'missing',
  message: 'no',
  attempts: 3,
  firstAt: 0,
  retryAt: 0,
} as const;

describe('followWeights', () => {
  it.each<readonly [string, Given, Partial<ManualSplit> | null | undefined]>([
    ['a first split is taken up', written({ v1: 100 }), { requested: { v1: 100 }, split: {}, since: NOW }],
    [
      'another one, beside what is in force',
      { ...written({ v1: 100 }, 10), memory: { manual: split({ split: { v1: 50 } }) } },
      { weightsRevision: 10, split: { v1: 50 }, since: NOW - 1000, problem: null },
    ],
    ['the same: nothing', { ...written({ v1: 70, v3: 30 }), memory: { manual: split() } }, undefined],
    [
      'one that does not parse: nothing',
      { weights: { value: { ok: false, problem: 'sum' }, revision: 10 }, memory: { manual: split() } },
      undefined,
    ],
    ['none, and there was none', {}, undefined],
    ['it is gone', { memory: { manual: split() } }, null],
  ])('%s', (_, given, manual) => {
    const move = followWeights(world(given));
    if (manual === undefined) expect(move).toBeNull();
    else if (manual === null) expect(move?.memory.manual).toBeNull();
    else expect(move?.memory.manual).toMatchObject(manual);
  });

  it.each([
    ['by the time that it took', {}, 1000],
    ['from its own begin, when that was later', { startedAt: NOW - 400 }, 400],
    [
      'not by what a pause will',
      { paused: { since: NOW - 300, by: 'operator', reason: 'paused-by-operator' } },
      700,
    ],
    [
      'not at all, when it was paused before',
      { paused: { since: NOW - 2000, by: 'operator', reason: 'paused-by-operator' } },
      0,
    ],
  ] as const)('handing back moves a rollout %s', (_, given, byMs) => {
    const under = rollout({ deadline: NOW, ...given });
    const move = followWeights(world({ memory: { manual: split(), rollout: under } }));
    expect(move?.memory.rollout?.deadline).toBe(NOW + byMs);
  });
});

describe('advanceManual', () => {
  const advance = (manual: ManualSplit, given: Given = {}) =>
    advanceManual(world({ ...given, memory: { ...given.memory, manual } }), manual);

  it('waits for images', () => {
    expect(advance(split())).toBeNull();
    expect(findUnresolved(world({ memory: { manual: split() } }), split())).toEqual(['v3']);
    expect(nameManualImage(split(), 'v3')).toBe('weights-9-v3');
  });

  it.each<readonly [string, Given, number]>([
    ['the next', {}, 3],
    [
      'not that of a rollout on its way',
      { memory: { rollout: rollout({ revision: 3, stage: 'resolving' }) } },
      4,
    ],
    ['not that of containers of a lost record', { replicas: ready(5, 1) }, 6],
  ])('gives a new revision a number: %s', (_, given, number) => {
    const move = advance(split(), { ...image(resolved), ...given });
    expect(move?.writes.revisions).toMatchObject([
      { number, version: 'v3', digest: 'sha256:v3', restart: 0 },
    ]);
    expect(move?.memory.nextRevision).toBe(number + 1);
  });

  it('puts the split in force when every version has a revision', () => {
    const revisions = [revision(1), revision(2), revision(3)];
    const { manual } = advance(split(), { revisions })?.memory ?? {};
    expect(manual).toMatchObject({ split: { v1: 70, v3: 30 }, revisions: { v1: 1, v3: 3 } });
    expect(manual == null ? undefined : advance(manual, { revisions })).toBeNull();
  });

  it('prefers the revision that is stable', () => {
    const revisions = [revision(1), revision(2, { version: 'v1' })];
    expect(advance(split({ requested: { v1: 100 } }), { revisions })?.memory.manual?.revisions).toEqual({
      v1: 1,
    });
  });

  it.each<readonly [string, Given, string]>([
    ['cannot be had', image(missing), 'v3 cannot run (missing: no)'],
    [
      'is in quarantine',
      { ...image(resolved), quarantined: ['sha256:v3'] },
      'v3 is in quarantine; delete its quarantine key and set the weights again to run it',
    ],
  ])('a version that %s is refused, once', (_, given, problem) => {
    const manual = split({ split: { v1: 100 } });
    expect(advance(manual, given)?.memory.manual).toEqual({ ...manual, problem });
    expect(advance({ ...manual, problem }, given)).toBeNull();
  });
});

describe('planManual', () => {
  const plan = (manual: ManualSplit, replicas = ready(1, 3)) =>
    planManual(world({ memory: { manual }, replicas }));
  const inForce = split({ split: { v1: 70, v2: 30 }, revisions: { v1: 1, v2: 2 } });

  it('nothing in force yet: nothing', () => {
    expect(plan(split())).toBeNull();
  });

  it('replicas in proportion, and nothing shrinks before what grows is ready', () => {
    expect(plan(inForce)?.wanted).toEqual({ 1: 3, 2: 1 });
    expect(plan(inForce)?.split).toEqual({ 1: 70, 2: 30 });
    const less = split({ split: { v1: 30, v2: 70 }, revisions: { v1: 1, v2: 2 } });
    expect(plan(less)?.wanted).toEqual({ 1: 3, 2: 3 });
    expect(plan(less, [...ready(1, 3), ...ready(2, 3)])?.wanted).toEqual({ 1: 1, 2: 3 });
    expect(SPEC.replicas).toBe(3);
  });
});

describe('in detail', () => {
  const advance = (manual: ManualSplit, given: Given = {}) =>
    advanceManual(world({ ...given, memory: { manual } }), manual);

  it('a version without a weight need not run', () => {
    expect(findUnresolved(world(), split({ requested: { v1: 100, v9: 0 } }))).toEqual([]);
  });

  it('versions that are known together have numbers in a row', () => {
    const images = {
      'weights-9-v8': { ...resolved, digest: 'sha256:v8' },
      'weights-9-v9': { ...resolved, digest: 'sha256:v9' },
    };
    const move = advance(split({ requested: { v8: 50, v9: 50 } }), { images });
    expect(move?.writes.revisions?.map(({ number, version }) => [number, version])).toEqual([
      [3, 'v8'],
      [4, 'v9'],
    ]);
    expect(move?.memory.nextRevision).toBe(5);
  });

  it('what runs already needs no image', () => {
    const manual = split({ requested: { v1: 100 } });
    const next = advance(manual, { images: { 'weights-9-v1': missing } })?.memory.manual;
    expect(next).toMatchObject({ split: { v1: 100 }, revisions: { v1: 1 }, problem: null });
  });

  it('nothing shrinks before what grows is ready', () => {
    const manual = split({ split: { v1: 30, v2: 70 }, revisions: { v1: 1, v2: 2 } });
    const plan = (given: Given) => planManual(world({ ...given, memory: { manual } }))?.wanted;
    expect(plan({ replicas: [...ready(1, 3), ...ready(2, 1)] })).toEqual({ 1: 3, 2: 3 });
    expect(plan({ replicas: [...ready(1, 3), ...ready(2, 3)] })).toEqual({ 1: 1, 2: 3 });
    expect(planManual(world())).toBeNull();
  });
});
