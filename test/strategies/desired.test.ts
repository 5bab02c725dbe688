import { describe, expect, it } from 'vitest';
import { beginDesired, findUnmet, isPending, readDesired } from '../../strategies/desired.ts';
import type { FinishedRollout, Observed } from '../../strategies/model.ts';
import { type Given, rollout, world } from './fixture.ts';

const version = (value: string, revision: number): Pick<Observed, 'version'> => {
  return { version: { value: { ok: true, value }, revision } };
};
const handled = { version: 'v1', versionRevision: 5, settingsHash: 'settings-1' };
const manual = {
  ...{ weightsRevision: 1, since: 0, requested: {}, split: {}, revisions: {}, problem: null },
};

describe('beginDesired: a rollout starts when what is asked differs from what was last acted on', () => {
  it.each<readonly [string, Given, string | null]>([
    ['nothing is asked', {}, null],
    ['a first version', version('v1', 5), 'release v1 by 5'],
    ['acted on already', { ...version('v1', 5), memory: { handled } }, null],
    ['another version', { ...version('v2', 6), memory: { handled } }, 'release v2 by 6'],
    ['the same one written again', { ...version('v1', 6), memory: { handled } }, 'release v1 by 6'],
    [
      'other settings',
      { ...version('v1', 5), memory: { handled }, settingsHash: 'settings-2', specRevision: 7 },
      'release v1 by 7',
    ],
    [
      'a version that does not parse',
      { version: { value: { ok: false, problem: 'empty' }, revision: 6 }, memory: { handled } },
      null,
    ],
    ['while frozen', { ...version('v2', 6), memory: { handled }, freeze: 'sale' }, null],
    ['under manual weights', { ...version('v2', 6), memory: { handled, manual } }, null],
  ])('%s', (_, given, begun) => {
    const { rollout: started } = beginDesired(world(given))?.memory ?? { rollout: null };
    const said = started === null ? null : `${started.kind} ${started.version} by ${started.requested}`;
    expect(said).toBe(begun);
  });

  const answer = { command: 3, text: 'No.', refused: true };
  it('remembers what it acts on; of the answer to an earlier command the number stays', () => {
    const { memory } = beginDesired(world({ ...version('v2', 6), memory: { handled, answer } })) ?? {};
    expect(memory?.handled).toEqual({ version: 'v2', versionRevision: 6, settingsHash: 'settings-1' });
    expect(memory?.answer).toEqual({ command: 3, text: '', refused: false });
  });

  it('an answer that was given in the same pass is told', () => {
    const before = world({ ...version('v2', 6), memory: { handled, answer: { ...answer, command: 2 } } });
    const { memory } = beginDesired({ ...before, memory: { ...before.memory, answer } }) ?? {};
    expect(memory?.answer).toEqual(answer);
  });

  it('supersedes what is under way', () => {
    const move = beginDesired(world({ ...version('v3', 6), memory: { handled, rollout: rollout() } }));
    expect(move?.writes.finished?.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'web-2-10 superseded',
    ]);
    expect(move?.memory.rollout).toMatchObject({ id: 'web-3-6', revision: 3, stage: 'resolving' });
  });
});

describe('isPending', () => {
  it.each<readonly [string, Given, boolean]>([
    ['asked and not acted on', { ...version('v2', 6), memory: { handled }, freeze: 'sale' }, true],
    ['acted on', { ...version('v1', 5), memory: { handled } }, false],
    ['nothing asked', {}, false],
  ])('%s', (_, given, pending) => {
    expect(isPending(world(given))).toBe(pending);
  });
});

describe('readDesired', () => {
  it('is the version with the settings that stand now', () => {
    expect(readDesired(world(version('v2', 6)).observed)).toEqual({
      version: 'v2',
      versionRevision: 6,
      settingsHash: 'settings-1',
    });
  });
});

describe('an answer', () => {
  const answer = { command: 7, text: 'No.', refused: true };
  const begin = (given: Given) => beginDesired(world({ ...version('v2', 6), ...given }))?.memory.answer;

  it('fades with the next request', () => {
    expect(begin({ memory: { answer } })).toEqual({ command: 7, text: '', refused: false });
    expect(begin({})).toBeNull();
  });
});

describe('findUnmet: what was asked for and does not run', () => {
  const last: FinishedRollout = {
    ...{ id: 'web-2-5', kind: 'release', strategy: 'rolling', requested: 5, revision: 2, version: 'v2' },
    ...{ digest: 'sha256:v2', outcome: 'rolled-back', reason: 'probe-failed', message: 'It was bad.' },
    ...{ startedAt: 0, endedAt: 0, evidence: [] },
  };
  const asked = version('v1', 5);
  it.each<readonly [string, Given, string | null]>([
    ['nothing is asked', {}, null],
    ['it runs', asked, null],
    [
      'the last release did not make it',
      { ...asked, memory: { last } },
      'sha256:v2 v2 ended as rolled-back: It was bad.',
    ],
    ['it did', { ...asked, memory: { last: { ...last, outcome: 'succeeded' } } }, null],
    ['another took its place', { ...asked, memory: { last: { ...last, outcome: 'superseded' } } }, null],
    [
      'a restart that failed says nothing',
      { ...asked, memory: { last: { ...last, kind: 'restart' } } },
      null,
    ],
    ['of a known digest', version('v2', 5), 'sha256:v2 v2 is asked for; retry runs it.'],
    ['of none that is known', version('v9', 5), 'null v9 is asked for; retry runs it.'],
    [
      'with other settings',
      { ...asked, settingsHash: 'settings-2' },
      'null v1 with other settings is asked for; retry runs it.',
    ],
    [
      'nothing is stable',
      { ...version('v9', 5), memory: { stable: null }, revisions: [] },
      'null v9 is asked for; retry runs it.',
    ],
  ])('%s', (_, given, said) => {
    const unmet = findUnmet(world(given));
    expect(unmet === null ? null : `${unmet.digest} ${unmet.message}`).toBe(said);
  });
});

it('beginDesired: what is asked by a key insists on nothing', () => {
  expect(beginDesired(world(version('v2', 6)))?.memory.rollout).toMatchObject({
    ...{ insists: false, kind: 'release', version: 'v2' },
  });
});
