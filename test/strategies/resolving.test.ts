import { describe, expect, it } from 'vitest';
import type { ImageState, Rollout } from '../../strategies/model.ts';
import { isHopeless, planResolving } from '../../strategies/resolving.ts';
import { type Given, NOW, ready, revision, rollout, world } from './fixture.ts';

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
