import { describe, expect, it } from 'vitest';
import { consumeCommand } from '../../strategies/commands.ts';
import type { Command, FinishedRollout, Rollout } from '../../strategies/model.ts';
import { blueGreen, canary, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, revision, rollout, world } from './fixture.ts';

const PAUSED = { since: NOW - 1000, by: 'operator', reason: 'paused-by-operator' } as const;
const FAILED = { since: NOW - 1000, by: 'failure', reason: 'probe-failed' } as const;
const VERDICT = { outcome: 'rolled-back', reason: 'probe-failed', message: 'Bad.', evidence: [] } as const;
const version = { value: { ok: true, value: 'v2' }, revision: 5 } as const;
const last: FinishedRollout = {
  id: 'web-2-5',
  kind: 'release',
  strategy: 'rolling',
  requested: 5,
  revision: 2,
  version: 'v2',
  digest: null,
  outcome: 'rolled-back',
  reason: null,
  message: '',
  startedAt: 0,
  endedAt: 0,
  evidence: [],
};

const manual = {
  ...{ weightsRevision: 1, since: NOW - 400, requested: {}, split: {}, revisions: {}, problem: null },
};

function obey(
  word: Command['word'],
  under: Partial<Rollout> | null,
  given: Given = {},
  to: number | null = null,
) {
  const command = { value: { ok: true, value: { word, to } }, revision: 77 } as const;
  const memory = { rollout: under === null ? null : rollout(under), ...given.memory };
  const move = consumeCommand(world({ ...given, command, memory }));
  if (move === null) throw new Error('the command was not consumed');
  return move;
}

const answer = (...of: Parameters<typeof obey>) => {
  const { memory, writes } = obey(...of);
  expect(writes.consume).toBe(77);
  return `${memory.answer?.refused === true ? 'refused: ' : ''}${memory.answer?.text}`;
};

describe('every word is consumed and answered', () => {
  it.each<readonly [Command['word'], Partial<Rollout> | null, Given, string]>([
    ['abort', null, {}, 'refused: Nothing to abort: no rollout is in progress.'],
    ['abort', {}, {}, 'Aborting.'],
    ['abort', { paused: PAUSED }, {}, 'Aborting.'],
    ['abort', { stage: 'resolving' }, {}, 'Aborting.'],
    ['abort', { stage: 'returning', verdict: VERDICT }, {}, 'It is going back already.'],
    ['pause', null, {}, 'refused: Nothing to pause: no rollout is in progress.'],
    ['pause', {}, {}, 'Paused.'],
    ['pause', { paused: PAUSED }, {}, 'refused: It is paused already.'],
    [
      'pause',
      { stage: 'returning', verdict: VERDICT },
      {},
      'refused: A return to the stable revision is not paused.',
    ],
    ['resume', null, {}, 'refused: Nothing to resume: nothing is paused.'],
    ['resume', {}, {}, 'refused: Nothing to resume: nothing is paused.'],
    ['resume', { paused: PAUSED }, {}, 'Resumed.'],
    ['promote', null, {}, 'refused: Nothing to promote: no rollout is in progress.'],
    ['promote', { paused: PAUSED }, {}, 'refused: It is paused; resume it first.'],
    ['promote', { stage: 'resolving' }, {}, 'refused: Nothing to promote while resolving.'],
    ['promote', { stage: 'monitoring', monitorUntil: NOW + 1 }, {}, 'Ending the bake.'],
    ['promote', {}, {}, 'refused: A rolling rollout waits for no promotion here.'],
    ['retry', {}, {}, 'refused: A rollout is in progress; abort it first.'],
    ['retry', { paused: FAILED }, {}, 'Resumed.'],
    ['retry', null, { freeze: 'sale', version }, 'refused: Frozen: sale'],
    ['retry', null, {}, 'refused: Nothing to retry: there is no valid version.'],
    [
      'retry',
      null,
      { version: { ...version, value: { ok: true, value: 'v1' } } },
      'refused: Nothing to retry: v1 runs already.',
    ],
    [
      'retry',
      null,
      { version: { ...version, value: { ok: true, value: 'v1' } }, settingsHash: 'settings-2' },
      'Trying v1 again.',
    ],
    [
      'retry',
      null,
      { version, memory: { last: { ...last, kind: 'restart', outcome: 'succeeded' } } },
      'Trying v2 again.',
    ],
    ['retry', null, { version, memory: { last } }, 'Trying v2 again.'],
    ['restart', {}, {}, 'refused: A rollout is in progress; it replaces every replica anyway.'],
    ['restart', null, { freeze: 'sale' }, 'refused: Frozen: sale'],
    [
      'restart',
      null,
      { memory: { stable: null } },
      'refused: Nothing to restart: there is no stable revision.',
    ],
    ['restart', null, {}, 'Restarting v1.'],
    ['rollback', null, {}, 'refused: There is no earlier stable revision to go back to.'],
    ['rollback', null, { freeze: 'sale', memory: { formerly: [2] } }, 'Going back to revision 2 (v2).'],
    ['rollback', {}, {}, 'Going back to the stable revision.'],
    ['abort', {}, { memory: { manual } }, 'Ended; the manual weights stay in force.'],
    ['rollback', {}, { memory: { manual } }, 'Ended; the manual weights stay in force.'],
    [
      'abort',
      { stage: 'returning', verdict: VERDICT },
      { memory: { manual } },
      'Ended; the manual weights stay in force.',
    ],
    [
      'rollback',
      {},
      { memory: { stable: null } },
      'refused: There is no stable revision to go back to; abort instead.',
    ],
  ])('%s, %j, %j', (word, under, given, said) => {
    expect(answer(word, under, given)).toBe(said);
  });

  it('one that does not parse', () => {
    const command = { value: { ok: false, problem: 'dance is no command' }, revision: 77 } as const;
    const move = consumeCommand(world({ command }));
    expect(move?.memory.answer).toEqual({ command: 77, text: 'dance is no command.', refused: true });
  });

  it('none', () => {
    expect(consumeCommand(world())).toBeNull();
  });
});

describe('rollback to the revision that is being rolled out', () => {
  it.each<readonly [string, Partial<Rollout>, string]>([
    ['would pass by its gates', {}, 'refused: Revision 2 is what is being rolled out; promote takes it on.'],
    [
      'also on its way back',
      { stage: 'returning', verdict: VERDICT },
      'refused: Revision 2 is what is being rolled out; promote takes it on.',
    ],
    ['not where that is a rollback itself', { kind: 'rollback' }, 'Going back to revision 2 (v2).'],
  ])('%s', (_, under, said) => {
    expect(answer('rollback', under, {}, 2)).toBe(said);
  });
});

describe('retry', () => {
  it('acts on the version that was written with it', () => {
    expect(obey('retry', null, { version }).memory).toMatchObject({
      handled: { version: 'v2', versionRevision: 5, settingsHash: 'settings-1' },
      rollout: { version: 'v2', insists: true, requested: 77 },
    });
  });
});

describe('promote', () => {
  it('in a pause of a canary: the next step, and no other', () => {
    const spec = specOf(canary());
    const at = (index: number) =>
      ({ strategy: 'canary', step: { index, startedAt: NOW, endsAt: null } }) as const;
    expect(answer('promote', at(0), { spec })).toMatch(
      /^refused: Nothing to promote: the current step is not a pause/,
    );
    expect(obey('promote', at(1), { spec }).memory.rollout?.step?.index).toBe(2);
    expect(answer('promote', at(4), { spec })).toMatch(/^refused/);
  });

  it('in blue-green: when the candidate is up in full', () => {
    const spec = specOf(blueGreen({ promotion: 'manual' }));
    const under = { strategy: 'blue-green' } as const;
    expect(answer('promote', under, { spec, replicas: ready(2, 2) })).toMatch(
      /^refused: The candidate is not up/,
    );
    expect(obey('promote', under, { spec, replicas: ready(2, 3) }).memory.rollout?.promoted).toBe(true);
  });
});

describe('resume moves every time by the length of the pause', () => {
  it('after an operator', () => {
    const step = { index: 1, startedAt: NOW, endsAt: NOW + 100 };
    const under = { paused: PAUSED, deadline: NOW + 10, monitorUntil: NOW + 20, step };
    expect(obey('resume', under).memory.rollout).toMatchObject({
      ...{ paused: null, deadline: NOW + 1010, monitorUntil: NOW + 1020, forgiven: [] },
      step: { endsAt: NOW + 1100 },
    });
  });

  it('after a failure the deadline begins anew, and what failed is forgiven', () => {
    const failed = ready(2, 1, { state: 'exited' });
    const { rollout: after } = obey('resume', { paused: FAILED, deadline: NOW }, { replicas: failed }).memory;
    expect(after).toMatchObject({ deadline: NOW + 600_000, forgiven: ['id-web-r2-1'], forgivenAt: NOW });
  });

  it('time under manual weights is left to their end', () => {
    const { rollout: after } = obey(
      'resume',
      { paused: PAUSED, deadline: NOW },
      { memory: { manual } },
    ).memory;
    expect(after?.deadline).toBe(NOW + 600);
  });
});

describe('abort keeps the verdict, with its evidence, of what goes back already', () => {
  it('so a failure stays a failure', () => {
    const { rollout: after } = obey('abort', { stage: 'returning', verdict: VERDICT }).memory;
    expect(after?.verdict).toEqual(VERDICT);
  });
});

describe('a word about the way to what is stable already', () => {
  it.each(['abort', 'rollback'] as const)('%s changes the verdict, and gives it no more time', (word) => {
    const verdict = { ...VERDICT, outcome: 'succeeded', reason: null } as const;
    const { rollout: after } = obey(word, { stage: 'returning', verdict, deadline: NOW + 700 }).memory;
    expect([after?.verdict?.outcome, after?.deadline]).toEqual([
      word === 'abort' ? 'aborted' : 'rolled-back',
      NOW + 700,
    ]);
  });
});

describe('what a word writes down', () => {
  it.each<readonly [Command['word'], Partial<Rollout>, string]>([
    ['abort', {}, 'aborted aborted-by-operator Aborted by an operator.'],
    ['rollback', {}, 'rolled-back rollback-requested Rolled back by an operator.'],
  ])('%s: the verdict', (word, under, said) => {
    const { verdict } = obey(word, under).memory.rollout ?? {};
    expect(`${verdict?.outcome} ${verdict?.reason} ${verdict?.message}`).toBe(said);
    expect(verdict?.evidence).toEqual([]);
  });

  it('pause: who, and since when', () => {
    expect(obey('pause', {}).memory.rollout?.paused).toEqual({
      ...{ since: NOW, by: 'operator', reason: 'paused-by-operator' },
    });
  });

  it('promote: the end of the bake', () => {
    const under = { stage: 'monitoring', monitorUntil: NOW + 9000 } as const;
    expect(obey('promote', under).memory.rollout).toEqual(rollout({ ...under, monitorUntil: NOW }));
  });

  it('resume after a failure of nobody: nobody is forgiven', () => {
    expect(obey('resume', { paused: FAILED }).memory.rollout?.forgiven).toEqual([]);
  });

  it.each<readonly [string, Partial<Rollout>, Given, string]>([
    [
      'in a pause of a canary',
      { strategy: 'canary', step: { index: 1, startedAt: NOW, endsAt: null } },
      { spec: specOf(canary()) },
      'Going on to the next step.',
    ],
    [
      'of a candidate that is up',
      { strategy: 'blue-green' },
      { spec: specOf(blueGreen()), replicas: ready(2, 3) },
      'Switching to the candidate.',
    ],
    [
      'of a canary that has no step',
      { strategy: 'canary' },
      { spec: specOf(canary()) },
      'refused: A canary rollout waits for no promotion here.',
    ],
    [
      'of a step that another strategy left',
      { step: { index: 1, startedAt: NOW, endsAt: null } },
      {},
      'refused: A rolling rollout waits for no promotion here.',
    ],
  ])('promote %s', (_, under, given, text) => {
    expect(answer('promote', under, given)).toBe(text);
  });

  it('under manual weights a rollout ends as what it was turned back for, or as the word says', () => {
    const ends = [
      { stage: 'returning', verdict: VERDICT } as const,
      { stage: 'returning', verdict: null } as const,
      {},
      { verdict: VERDICT },
    ].map((under) => obey('abort', under, { memory: { manual } }).writes.finished?.[0]?.outcome);
    expect(ends).toEqual(['rolled-back', 'aborted', 'aborted', 'aborted']);
  });

  it('rollback to what is stable turns back what is under way', () => {
    expect(obey('rollback', {}, {}, 1).memory.rollout).toMatchObject({ id: 'web-2-10', stage: 'returning' });
  });
});

it('rollback to a third revision begins a rollback of its own', () => {
  const revisions = [1, 2, 3].map((number) => revision(number));
  expect(answer('rollback', {}, { revisions }, 3)).toBe('Going back to revision 3 (v3).');
});
