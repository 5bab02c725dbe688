import { describe, expect, it } from 'vitest';
import type { ImageState, Rollout } from '../../strategies/model.ts';
import { isHopeless, nameImage, planResolving } from '../../strategies/resolving.ts';
import { type Given, NOW, ready, revision, rollout, SPEC, world } from './fixture.ts';

type Failed = Extract<ImageState, { kind: 'failed' }>;
const failed = (failure: Failed['failure'], attempts: number): Failed => {
  return { kind: 'failed', failure, message: 'no', attempts, firstAt: NOW - 9000, retryAt: NOW + 4000 };
};
const resolved = { kind: 'resolved', digest: 'sha256:v3', reference: 'web@sha256:v3' } as const;

function resolve(image: ImageState | null, given: Partial<Rollout> = {}, more: Given = {}) {
  const under = rollout({
    id: 'web-3-10',
    version: 'v3',
    revision: 3,
    resolved: false,
    stage: 'resolving',
    ...given,
  });
  const images = image === null ? {} : { 'web-3-10': image };
  const memory = { rollout: under, ...more.memory };
  return planResolving(world({ replicas: ready(1, 3), images, ...more, memory }), under);
}

describe('isHopeless: three tries for what the registry will not say otherwise', () => {
  it.each([
    ['missing', 2, false],
    ['missing', 3, true],
    ['authentication', 3, true],
    ['refused', 3, true],
    ['rate-limit', 99, false],
    ['network', 99, false],
    ['space', 99, false],
    ['network-missing', 99, false],
    ['unknown', 99, false],
  ] as const)('%s, %i times: %s', (failure, attempts, hopeless) => {
    expect(isHopeless(failed(failure, attempts))).toBe(hopeless);
  });
});

describe('planResolving: what runs keeps running', () => {
  it.each<readonly [string, ImageState | null, string, string]>([
    ['not asked for yet', null, 'image-pulling', 'Resolving and pulling v3.'],
    [
      'pulled',
      { kind: 'pulling', progress: '12 of 40 MB', changedAt: NOW },
      'image-pulling',
      'Resolving and pulling v3: 12 of 40 MB.',
    ],
    [
      'refused for now',
      failed('rate-limit', 5),
      'image-pull-failed',
      'Pulling v3 failed (rate-limit: no); trying again in 4 seconds.',
    ],
    [
      'without a network of the spec',
      failed('network-missing', 5),
      'network-missing',
      'v3 cannot start (network-missing: no); trying again in 4 seconds.',
    ],
  ])('%s: waits, and says for what', (_, image, reason, message) => {
    const notch = resolve(image);
    expect(notch.move).toBeNull();
    expect(notch.goal.wanted).toEqual({ 1: 3 });
    expect(notch.hold).toMatchObject({ reason, message, isPlanned: false });
  });

  it('resolved: the revision is written, with the digest it is pinned to, and the strategy takes over', () => {
    const { move } = resolve(resolved);
    expect(move?.memory.rollout).toMatchObject({ stage: 'advancing', resolved: true, strategy: 'rolling' });
    expect(move?.memory.nextRevision).toBe(4);
    const { created: _, ...written } = revision(3);
    expect(move?.writes.revisions).toEqual([{ ...written, reference: 'web@sha256:v3' }]);
  });

  it('resolved, and containers of no known revision bear its number: it takes a free one', () => {
    const { move } = resolve(resolved, {}, { replicas: [...ready(1, 3), ...ready(3, 1)] });
    expect(move?.memory).toMatchObject({ rollout: { revision: 4 }, nextRevision: 5 });
    expect(move?.writes.revisions).toMatchObject([{ number: 4 }]);
  });

  it('nor does it take that of a record that is there already, of something else', () => {
    const { move } = resolve(resolved, {}, { revisions: [revision(1), revision(3, { version: 'v9' })] });
    expect(move?.memory.rollout?.revision).toBe(4);
    expect(move?.writes.revisions).toMatchObject([{ number: 4, version: 'v3', digest: 'sha256:v3' }]);
  });

  const stableDigest = { ...resolved, digest: 'sha256:v1' };
  it.each<readonly [string, ImageState, Partial<Rollout>, Given, string | null]>([
    ['hopeless', failed('missing', 3), {}, {}, 'rolled-back image-pull-failed'],
    [
      'hopeless, and nothing is stable',
      failed('missing', 3),
      {},
      { memory: { stable: null } },
      'failed image-pull-failed',
    ],
    ['at the deadline', failed('network', 9), { deadline: NOW }, {}, 'rolled-back image-pull-failed'],
    [
      'at the deadline, for want of a network',
      failed('network-missing', 9),
      { deadline: NOW },
      {},
      'rolled-back network-missing',
    ],
    [
      'not at the deadline of a pull that moves',
      { kind: 'pulling', progress: '', changedAt: NOW },
      { deadline: NOW },
      {},
      null,
    ],
    ['in quarantine', resolved, {}, { quarantined: ['sha256:v3'] }, 'rolled-back quarantined'],
    ['in quarantine, but insisted on', resolved, { insists: true }, { quarantined: ['sha256:v3'] }, null],
    ['it is the stable one already', stableDigest, {}, {}, 'succeeded'],
    ['it is the stable one, with other settings', stableDigest, {}, { settingsHash: 'settings-2' }, null],
    ['a restart of the stable one', stableDigest, { kind: 'restart' }, {}, null],
  ])('%s', (_, image, given, more, verdict) => {
    const { move } = resolve(image, given, more);
    const said = move?.memory.rollout?.verdict;
    const text = said == null ? null : [said.outcome, said.reason].filter((word) => word !== null).join(' ');
    expect(text).toBe(verdict);
    expect(move?.writes.quarantine).toBeUndefined();
  });

  it('what cannot be had any more is named as it was asked for: by digest, in its own repository', () => {
    const known = { ...revision(3), image: 'old.test/web', digest: 'sha256:v3' };
    const more = { revisions: [revision(1), known] };
    const { move } = resolve(failed('missing', 3), { kind: 'rollback' }, more);
    expect(move?.memory.rollout?.verdict?.message).toBe(
      'old.test/web@sha256:v3 could not be had (missing: no).',
    );
  });

  it('insisting lifts the quarantine', () => {
    expect(resolve(resolved, { insists: true }).move?.writes.unquarantine).toBe('sha256:v3');
  });

  it('a restart is a revision of its own by the command that asked for it', () => {
    const { move } = resolve(stableDigest, { kind: 'restart', requested: 77 });
    expect(move?.writes.revisions).toMatchObject([{ number: 3, digest: 'sha256:v1', restart: 77 }]);
  });

  it('a revision that exists is not written again', () => {
    const { move } = resolve(resolved, { kind: 'rollback', revision: 2 });
    expect(move?.writes.revisions).toBeUndefined();
    expect(move?.memory.rollout?.stage).toBe('advancing');
  });

  it('a pause outlasts the deadline', () => {
    const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
    expect(resolve(failed('network', 9), { deadline: NOW, paused }).move).toBeNull();
  });
});

describe('nameImage: what is asked for', () => {
  const known = revision(2, { image: 'old.test/web' });
  const stable = revision(1, { image: 'stable.test/web' });
  const asks = (of: Partial<Rollout>) => {
    const w = world({ revisions: [stable, known], memory: { rollout: rollout(of) } });
    return nameImage(w, rollout({ version: 'v3', ...of }));
  };
  it.each<readonly [string, Partial<Rollout>, string]>([
    ['a release by its tag', { revision: 3 }, `${SPEC.image} v3 ${SPEC.pull}`],
    ['a rollback by the digest that it was', { kind: 'rollback' }, 'old.test/web sha256:v2 missing'],
    ['a restart what is stable', { kind: 'restart', revision: 3 }, 'stable.test/web sha256:v1 missing'],
  ])('%s', (_, of, text) => {
    const { image, version, policy } = asks(of);
    expect(`${image} ${version} ${policy}`).toBe(text);
  });
});

describe('planResolving: the record', () => {
  const stable = revision(1, { image: 'stable.test/web', settingsHash: 'settings-0', restart: 55 });
  const written = (of: Partial<Rollout>, more: Given = {}) =>
    resolve(resolved, of, { revisions: [stable], ...more }).move?.writes.revisions?.[0];

  it('of a restart is what was stable, of a release what the spec says', () => {
    expect(written({ kind: 'restart', requested: 77 })).toMatchObject({
      ...{ image: 'stable.test/web', settingsHash: 'settings-0', restart: 77 },
    });
    expect(written({})).toMatchObject({ image: SPEC.image, settingsHash: 'settings-1', restart: 55 });
    expect(written({}, { memory: { stable: null } })?.restart).toBe(0);
  });

  it('what cannot be asked for again is given up, whatever it is', () => {
    const never = { ...failed('network', 1), retryAt: Number.MAX_SAFE_INTEGER };
    expect(isHopeless(never)).toBe(true);
    expect(isHopeless({ ...never, retryAt: NOW + 9e9 })).toBe(false);
  });

  it('of an image that is the stable one already the rollout is the stable one', () => {
    const { move } = resolve({ ...resolved, digest: 'sha256:v1' });
    expect(move?.memory.rollout).toMatchObject({ id: 'web-3-10', revision: 1, stage: 'returning' });
  });
});

describe('planResolving: in words', () => {
  const said = (image: ImageState | null, of: Partial<Rollout> = {}, more: Given = {}) =>
    resolve(image, of, more).move?.memory.rollout?.verdict;
  const quarantined = { quarantined: ['sha256:v3'] };
  it.each<readonly [string, ReturnType<typeof said>, string]>([
    [
      'quarantine',
      said(resolved, {}, quarantined),
      'rolled-back: v3 (sha256:v3) failed here before and is in quarantine; retry asks for it again.',
    ],
    [
      'quarantine of a first version',
      said(resolved, {}, { ...quarantined, memory: { stable: null } }),
      'failed: v3 (sha256:v3) failed here before and is in quarantine; retry asks for it again.',
    ],
    [
      'no network',
      said(failed('network-missing', 9), { deadline: NOW }),
      'rolled-back: Nothing was started: network-missing: no.',
    ],
    [
      'no image',
      said(failed('missing', 3)),
      'rolled-back: registry.example.com/shop/web:v3 could not be had (missing: no).',
    ],
    [
      'that it is there already',
      said({ ...resolved, digest: 'sha256:v1' }),
      'succeeded: That image with these settings is the stable revision already.',
    ],
    [
      'no answer',
      said(null, { deadline: NOW }),
      'rolled-back: registry.example.com/shop/web:v3 could not be had (the engine gave no answer in time).',
    ],
  ])('%s', (_, verdict, text) => {
    expect([`${verdict?.outcome}: ${verdict?.message}`, verdict?.evidence]).toEqual([text, []]);
  });

  it.each([
    ['an image', failed('network', 1), 'pull'],
    ['a network', failed('network-missing', 1), 'look again'],
  ])('what comes next: %s', (_, image, what) => {
    expect(resolve(image).hold?.next).toEqual({ what, at: NOW + 4000 });
  });

  it('a pull that has said nothing yet', () => {
    expect(resolve({ kind: 'pulling', progress: '', changedAt: NOW }).hold?.message).toBe(
      'Resolving and pulling v3.',
    );
  });
});
