import { describe, expect, it } from 'vitest';
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import type { Memory } from '../../strategies/model.ts';
import { findForgotten, findRollbackTarget, isCondemning, recordFormer } from '../../strategies/rollback.ts';
import { revision, rollout, world } from './fixture.ts';

const evidence = [{ replica: 'web-r2-1', probe: null, exitCode: 1, outOfMemory: false, log: [] }];

describe('isCondemning: the candidate itself is to blame, by evidence', () => {
  it.each([
    ['probe-failed', true],
    ['container-exited', true],
    ['out-of-memory', true],
    ['container-start-failed', true],
    ['progress-deadline', true],
    ['image-pull-failed', false],
    ['settings-refused', false],
    ['network-missing', false],
    ['policy-refused', false],
    ['name-conflict', false],
    ['waiting-for-proxies', false],
    ['aborted-by-operator', false],
    ['rollback-requested', false],
    ['superseded', false],
    ['quarantined', false],
    [null, false],
  ] as const)('%s: %s', (reason, condemns) => {
    expect(isCondemning({ reason, evidence })).toBe(condemns);
    expect(isCondemning({ reason, evidence: [] })).toBe(false);
  });
});

describe('findRollbackTarget', () => {
  const revisions = [1, 2, 3, 4].map((number) => revision(number));
  const target = (memory: Partial<Memory>, to: number | null) => {
    const found = findRollbackTarget(world({ memory: { stable: 4, ...memory }, revisions }), to);
    return found.ok ? found.revision.number : found.why;
  };
  it.each([
    ['the stable one before', { formerly: [1, 3] }, null, 3],
    ['the one before that, when its record is gone', { formerly: [1, 9] }, null, 1],
    ['none', { formerly: [] }, null, 'There is no earlier stable revision to go back to.'],
    ['a number', { formerly: [1] }, 2, 2],
    ['an unknown number', {}, 9, 'There is no revision 9; see slipway history.'],
    ['a no-op', {}, 4, 'Revision 4 is the stable revision already.'],
    ['the stable one, from a rollout', { rollout: rollout() }, 4, 4],
  ])('%s', (_, memory, to, found) => {
    expect(target(memory, to)).toBe(found);
  });
  it.each([3, null])('not one that failed since, asked for as %s', (to) => {
    const quarantined = [revision(3).digest];
    const found = findRollbackTarget(
      world({ memory: { stable: 4, formerly: [3] }, revisions, quarantined }),
      to,
    );
    expect(found).toEqual({
      ok: false,
      why: 'Revision 3 (v3) failed here before and is in quarantine; release v3 and retry to run it again.',
    });
  });
});

describe('recordFormer: going on extends the list, going back shortens it', () => {
  it.each([
    [null, [], 1, []],
    [1, [], 2, [1]],
    [2, [1], 3, [1, 2]],
    [3, [1, 2], 2, [1]],
    [3, [1, 2], 1, []],
    [3, [1, 2], 3, [1, 2]],
  ])('stable %s, formerly %j, now %i → %j', (stable, formerly, next, expected) => {
    expect(recordFormer({ ...EMPTY_MEMORY, stable, formerly }, next)).toEqual(expected);
  });
});

describe('findForgotten: the stable one and the one before it, then the newest, and whatever runs or may run', () => {
  const revisions = [1, 2, 3, 4, 5].map((number) => revision(number));
  const MANUAL = { weightsRevision: 9, since: 0, requested: {}, split: {}, problem: null };
  it.each<readonly [string, number, Partial<Memory>, readonly number[]]>([
    ['beyond the window', 2, { stable: 5 }, [3, 2, 1]],
    ['the stable one has the first place', 2, { stable: 1 }, [4, 3, 2]],
    ['the worked example', 2, { stable: 4, formerly: [1] }, [5, 3, 2]],
    ['not the one on trial', 2, { stable: 5, rollout: rollout({ revision: 2 }) }, [3, 1]],
    ['not a warm one', 2, { stable: 5, warm: { revision: 3, until: 0 } }, [2, 1]],
    ['nor what manual weights run', 2, { stable: 5, manual: { ...MANUAL, revisions: { v1: 1 } } }, [3, 2]],
    ['at least one stays', 0, { stable: 5 }, [4, 3, 2, 1]],
    ['all fit', 10, { stable: 5 }, []],
  ])('%s', (_, history, memory, gone) => {
    expect(findForgotten(revisions, history, { ...EMPTY_MEMORY, ...memory })).toEqual(gone);
  });
});
