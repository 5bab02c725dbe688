import { describe, expect, it } from 'vitest';
import type { Rollout, Verdict } from '../../strategies/model.ts';
import { measureProgress } from '../../strategies/progress.ts';
import { planReturning } from '../../strategies/returning.ts';
import { recreate, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, SPEC, world } from './fixture.ts';

const verdict: Verdict = { outcome: 'rolled-back', reason: 'probe-failed', message: 'Bad.', evidence: [] };
const MUCH = 9e12;

/** Has come as far as it can, unless said otherwise. */
function back(given: Given, of: Partial<Rollout> = {}) {
  const under = rollout({ stage: 'returning', verdict, progress: MUCH, ...of });
  return planReturning(world({ ...given, memory: { ...given.memory, rollout: under } }), under);
}
const ended = (given: Given, of: Partial<Rollout> = {}) => back(given, of).move?.writes.finished?.[0];
const stands = { replicas: ready(1, 3), ...routed({ 1: 100 }, ready(1, 3)) };
const unstable = { memory: { stable: null } };
const late = { deadline: NOW };

describe('planReturning: what is wanted', () => {
  it('the stable revision again, by the budget of rollback, and the candidate as it grows', () => {
    const spec = { ...SPEC, rollback: { parallelism: 1, order: 'start-first' } as const };
    const replicas = [...ready(1, 1), ...ready(2, 3)];
    const { goal } = back({ spec, replicas, ...routed({ 1: 25, 2: 75 }, replicas) });
    expect([goal.wanted, goal.limit]).toEqual([{ 1: 3, 2: 2 }, 4]);
  });

  it('recreate has one revision at a time', () => {
    const { goal } = back({ spec: specOf(recreate()), replicas: ready(2, 3) });
    expect([goal.wanted, goal.isExclusive]).toEqual([{ 1: 3 }, true]);
  });

  it('nothing, when nothing was stable', () => {
    const { goal } = back({ ...unstable, replicas: ready(2, 3) });
    expect([goal.wanted, goal.split]).toEqual([{}, {}]);
  });
});

describe('planReturning: it is over', () => {
  const two = [...ready(1, 3), ...ready(2, 1)];
  it.each<readonly [string, Given, Partial<Rollout>, boolean]>([
    ['the stable revision serves alone', stands, {}, true],
    [
      'not while one of it is missing',
      { replicas: ready(1, 2), ...routed({ 1: 100 }, ready(1, 2)) },
      {},
      false,
    ],
    ['not while the table says otherwise', { replicas: two, ...routed({ 1: 75, 2: 25 }, two) }, {}, false],
    [
      'not before every proxy knows',
      { ...stands, proxies: [{ id: 'p', applied: 49, busy: {}, refused: {} }] },
      {},
      false,
    ],
    [
      'nothing stable, and nothing of the candidate is left',
      { ...unstable, replicas: ready(3, 1) },
      {},
      true,
    ],
    [
      'nothing stable, and one is left',
      { ...unstable, replicas: ready(2, 1, { stopping: true }) },
      {},
      false,
    ],
    ['a stable one that was broken before is not waited for', { replicas: [] }, { gated: false }, true],
    ['but what is given up has to go', { replicas: ready(2, 1) }, { gated: false }, false],
    [
      'nor is it over when that is the stable one itself',
      { replicas: [] },
      { gated: false, revision: 1 },
      false,
    ],
    [
      'a stable one that is well again has to serve',
      { replicas: ready(1, 3), ...routed({ 2: 100 }, []) },
      { gated: false },
      false,
    ],
  ])('%s', (_, given, of, isOver) => {
    expect(ended(given, of)).toEqual(isOver ? expect.objectContaining(verdict) : undefined);
  });

  it('as what it says, without a verdict', () => {
    expect(ended(stands, { verdict: null })).toMatchObject({
      ...{ outcome: 'rolled-back', reason: null, message: 'Returned.', evidence: [] },
    });
  });
});

describe('planReturning: on its way', () => {
  const halfway: Given = { replicas: [...ready(1, 1), ...ready(2, 3)], ...routed({ 2: 100 }, ready(2, 3)) };

  it('says why it goes back', () => {
    expect(back(halfway)).toMatchObject({
      move: null,
      hold: { reason: 'returning', message: 'Going back: Bad.', next: null, isPlanned: false },
    });
  });

  it('every replica that comes back gives it time', () => {
    const { move, hold } = back(halfway, { progress: 0, deadline: NOW + 5 });
    const under = rollout({ stage: 'returning' });
    const progress = measureProgress(world({ ...halfway, memory: { rollout: under } }), under);
    expect(move?.memory.rollout).toMatchObject({ progress, deadline: NOW + 600_000 });
    expect([move?.writes, hold]).toEqual([{}, null]);
    expect(back(halfway, { progress }).move).toBeNull();
  });
});

describe('planReturning: at the deadline', () => {
  const stale = { ...stands, proxies: [{ id: 'p', applied: 49, busy: {}, refused: {} }] };
  it.each<readonly [string, Given, Partial<Rollout>, string]>([
    [
      'nothing stable, and not all of it has gone',
      { ...unstable, replicas: ready(2, 1) },
      {},
      'rolled-back: Bad. Not all of it was gone before the deadline; the rest goes when it can.',
    ],
    [
      'the stable revision is there, not every proxy says so',
      stale,
      {},
      'rolled-back: Bad. Not every proxy has confirmed it.',
    ],
    [
      'the stable revision is not there',
      { replicas: [...ready(1, 2), replica('web-r1-3')] },
      {},
      'failed: Bad. The stable revision did not become ready again before the deadline.',
    ],
    [
      'what was to end well has not',
      stale,
      { verdict: { ...verdict, outcome: 'succeeded' } },
      'failed: Bad. The stable revision did not become ready again before the deadline.',
    ],
  ])('%s', (_, given, of, said) => {
    const end = ended(given, { ...late, ...of });
    expect(`${end?.outcome}: ${end?.message}`).toBe(said);
  });
});
