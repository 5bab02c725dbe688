import { describe, expect, it } from 'vitest';
import { effectiveSplit } from '../../strategies/route.ts';
import { findGuarded, keepServing, planSteady, standStill } from '../../strategies/standing.ts';
import { blueGreen, recreate, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, SPEC, world } from './fixture.ts';

const both = (stable: number, candidate: number) => [...ready(1, stable), ...ready(2, candidate)];
const serving = (given: Given, split: Readonly<Record<number, number>>): Given => {
  return { ...given, ...routed(split, given.replicas ?? []) };
};

describe('keepServing', () => {
  it.each<readonly [string, Given, Readonly<Record<number, number>>]>([
    [
      'worked example: stable 1 ready, candidate 3 serving',
      serving({ replicas: both(1, 3) }, { 1: 33, 2: 67 }),
      { 1: 3, 2: 2 },
    ],
    ['worked example: stable 3 ready', serving({ replicas: both(3, 3) }, { 1: 90, 2: 10 }), { 1: 3, 2: 0 }],
    ['a preview serves nobody', serving({ replicas: both(1, 3) }, { 1: 100 }), { 1: 3, 2: 0 }],
    [
      'the candidate before what was superseded',
      serving({ replicas: [...both(1, 1), ...ready(3, 3)] }, { 1: 20, 2: 20, 3: 60 }),
      { 1: 3, 2: 1, 3: 1 },
    ],
    [
      'nothing stable: until the candidate carries it',
      serving({ replicas: both(3, 1), memory: { stable: null } }, { 1: 100 }),
      { 1: 2 },
    ],
  ])('%s', (_, given, wanted) => {
    expect(keepServing(world(given), 2)).toEqual(wanted);
  });
});

describe('findGuarded: more than its weight only where it carries it already and stable is short', () => {
  it.each<readonly [string, Given, number | null]>([
    ['stable is there', serving({ replicas: both(3, 3) }, { 2: 100 }), 2],
    ['stable is short, the candidate had no more', serving({ replicas: both(2, 1) }, { 1: 90, 2: 10 }), 2],
    ['stable is short, the candidate carries all', serving({ replicas: both(1, 3) }, { 2: 100 }), null],
    ['no table yet', { replicas: both(1, 3) }, 2],
  ])('%s', (_, given, guarded) => {
    expect(findGuarded(world(given), 2, 10)).toBe(guarded);
  });
});

describe('planSteady', () => {
  it('the stable revision in full, alone', () => {
    const goal = planSteady(world({ replicas: ready(1, 3) }));
    expect([goal.wanted, goal.split, goal.limit]).toEqual([{ 1: 3 }, { 1: 100 }, 4]);
  });

  it('what serves beside it goes as it grows', () => {
    const goal = planSteady(world(serving({ replicas: both(1, 3) }, { 1: 25, 2: 75 })));
    expect(goal.wanted).toEqual({ 1: 3, 2: 2 });
  });

  it('what does not serve goes at once', () => {
    expect(planSteady(world(serving({ replicas: both(1, 3) }, { 1: 100 }))).wanted).toEqual({ 1: 3, 2: 0 });
  });

  it('recreate never has one more', () => {
    const goal = planSteady(world({ spec: specOf(recreate()), replicas: ready(1, 2) }));
    expect([goal.limit, goal.isExclusive]).toEqual([3, true]);
  });

  it('nothing stable and nothing asked: nothing', () => {
    expect(planSteady(world({ memory: { stable: null } })).wanted).toEqual({});
  });

  it('nothing stable while something is resolved: what serves stays', () => {
    const given = { memory: { stable: null, rollout: rollout({ revision: 3 }) }, replicas: both(2, 1) };
    const goal = planSteady(world(given));
    expect([goal.wanted, goal.split]).toEqual([
      { 1: 2, 2: 1 },
      { 1: 67, 2: 33 },
    ]);
  });

  const spec = specOf(blueGreen());
  const warm = { revision: 2, until: NOW + 1 };
  it('a warm revision stays as it is, without traffic, also when a stable replica is missing', () => {
    const w = world({ spec, memory: { warm }, replicas: both(2, 2), ...routed({ 1: 100 }, ready(1, 2)) });
    const goal = planSteady(w);
    expect(goal.wanted).toEqual({ 1: 3, 2: 2 });
    expect(effectiveSplit(w, goal)).toEqual({ 1: 100, 2: 0 });
  });

  it('and serves when nothing stable is ready', () => {
    const w = world({ spec, memory: { warm }, replicas: [replica('web-r1-1'), ...ready(2, 3)] });
    expect(effectiveSplit(w, planSteady(w))).toEqual({ 2: 100 });
  });
});

describe('standStill', () => {
  it.each<readonly [string, Given, Readonly<Record<number, number>>]>([
    ['worked example: as it is', { replicas: both(2, 1) }, { 1: 2, 2: 1 }],
    [
      'worked example: the candidate is lost',
      { replicas: [...ready(1, 2), replica('web-r2-1', { state: 'exited' })] },
      { 1: 3, 2: 1 },
    ],
    ['a stable one is lost', { replicas: both(1, 1) }, { 1: 2, 2: 1 }],
    ['one more candidate is starting', { replicas: [...both(2, 1), replica('web-r2-2')] }, { 1: 2, 2: 2 }],
    ['nothing stable', { memory: { stable: null }, replicas: ready(2, 1) }, { 2: 1 }],
  ])('%s', (_, given, wanted) => {
    const memory = { rollout: rollout(), ...given.memory };
    expect(standStill(world({ ...given, memory }), 2).wanted).toEqual(wanted);
  });

  it('traffic goes by what is available', () => {
    const w = world({
      memory: { rollout: rollout() },
      replicas: [...both(2, 1), replica('web-r2-2', { readyForMs: 1 })],
    });
    expect(standStill(w, 2).split).toEqual({ 1: 67, 2: 33 });
    expect(SPEC.strategy.minReadyMs).toBe(5000);
  });
});

describe('planSteady: recreate, while a version is resolved that took the place of another', () => {
  const spec = specOf(recreate());
  const resolving = { rollout: rollout({ revision: 3, stage: 'resolving' }) };
  it.each<readonly [string, Given, Readonly<Record<number, number>>]>([
    ['what the other left serving stays', serving({ replicas: ready(2, 3) }, { 2: 100 }), { 2: 3 }],
    ['not where the stable one is ready', serving({ replicas: both(1, 3) }, { 2: 100 }), { 1: 3 }],
    ['not what does not serve', serving({ replicas: ready(2, 3) }, { 1: 100 }), { 1: 3 }],
    [
      'not after that',
      serving({ replicas: ready(2, 3), memory: { rollout: rollout({ revision: 3 }) } }, { 2: 100 }),
      { 1: 3 },
    ],
    [
      'nor outside rollouts',
      serving({ replicas: ready(2, 3), memory: { rollout: null } }, { 2: 100 }),
      { 1: 3 },
    ],
  ])('%s', (_, given, wanted) => {
    const memory = { ...resolving, ...given.memory };
    expect(planSteady(world({ spec, ...given, memory })).wanted).toEqual(wanted);
  });
});

describe('limits', () => {
  it('what is kept warm has room beside the replicas', () => {
    const memory = { warm: { revision: 2, until: NOW + 1 } };
    const goal = planSteady(world({ memory, replicas: both(3, 2) }));
    expect([goal.wanted, goal.limit]).toEqual([{ 1: 3, 2: 2 }, 5]);
  });

  it('of what became stable again nothing is kept warm', () => {
    const memory = { warm: { revision: 1, until: NOW + 1 } };
    expect(planSteady(world({ memory, replicas: ready(1, 2) })).wanted).toEqual({ 1: 3 });
  });

  it('a pause has the room of its strategy', () => {
    const w = world({ memory: { rollout: rollout() }, replicas: both(2, 1) });
    expect(standStill(w, 2).limit).toBe(4);
  });
});

describe('what serves, and nobody else', () => {
  it('findGuarded: nothing stable is not short of anything', () => {
    const given = serving({ replicas: ready(2, 1), memory: { stable: null } }, { 2: 100 });
    expect(findGuarded(world(given), 2, 10)).toBe(2);
  });

  it('planSteady: nothing stable and nothing asked: what is left goes', () => {
    expect(planSteady(world({ memory: { stable: null }, replicas: ready(2, 3) })).wanted).toEqual({});
  });

  it('planSteady: recreate keeps what serves, beside what does not', () => {
    const memory = { rollout: rollout({ revision: 4, stage: 'resolving' }) };
    const replicas = [...ready(2, 3), ...ready(3, 1)];
    const given = { spec: specOf(recreate()), memory, replicas, ...routed({ 2: 100 }, ready(2, 3)) };
    expect(planSteady(world(given)).wanted).toEqual({ 2: 3, 3: 1 });
  });

  it('standStill: a stable one that is there already counts', () => {
    const w = world({ memory: { rollout: rollout() }, replicas: both(3, 1) });
    expect(standStill(w, 2).wanted).toEqual({ 1: 3, 2: 1 });
  });
});
