import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Capacity,
  computeEffective,
  computeProportional,
  isSameSplit,
} from '../../strategies/weights.ts';

const of = (revision: number, desired: number, ready: number, needed: number, mayExceed = true): Capacity => {
  return { revision, desired, ready, needed, mayExceed };
};
const GUARDED = false;

describe('computeEffective: a weight needs the replicas that it was meant for', () => {
  it.each([
    ['as desired when all are ready', [of(1, 90, 3, 3), of(2, 10, 1, 1, GUARDED)], { 1: 90, 2: 10 }],
    ['worked example: no candidate is ready', [of(1, 90, 3, 3), of(2, 10, 0, 1, GUARDED)], { 1: 100 }],
    ['worked example: back from a candidate', [of(1, 100, 1, 3), of(2, 0, 3, 0)], { 1: 33, 2: 67 }],
    ['worked example: with 1 ready candidate', [of(1, 100, 1, 3), of(2, 0, 1, 0)], { 1: 50, 2: 50 }],
    ['half a step is half its weight', [of(1, 50, 3, 3), of(2, 50, 1, 2, GUARDED)], { 1: 75, 2: 25 }],
    ['one on trial never exceeds its weight', [of(1, 90, 1, 3), of(2, 10, 1, 1, GUARDED)], { 1: 90, 2: 10 }],
    ['unless nobody else is ready', [of(1, 90, 0, 3), of(2, 10, 1, 1, GUARDED)], { 2: 100 }],
    ['the lightest loaded take first', [of(1, 70, 2, 3), of(2, 30, 1, 1)], { 1: 67, 2: 33 }],
    ['a short one and an idle one share by load', [of(1, 100, 2, 4), of(2, 0, 1, 0)], { 1: 67, 2: 33 }],
    ['nobody: empty', [of(1, 100, 0, 3)], {}],
    ['nothing at all: empty', [], {}],
    ['nobody is desired, somebody is ready', [of(1, 0, 1, 0)], { 1: 100 }],
    ['too little for a percent is one', [of(1, 99, 2, 5), of(2, 1, 1, 3, GUARDED)], { 1: 99, 2: 1 }],
    [
      'thirds sum to 100, the lower revision first',
      [of(1, 33.4, 1, 1), of(2, 33.3, 1, 1), of(3, 33.3, 1, 1)],
      { 1: 34, 2: 33, 3: 33 },
    ],
  ] as const)('%s', (_, capacities, split) => {
    expect(computeEffective(capacities)).toEqual(split);
  });

  const capacity = fc.record({
    ready: fc.nat(5),
    needed: fc.nat(5),
    share: fc.nat(100),
    mayExceed: fc.boolean(),
  });
  const any = fc.array(capacity, { minLength: 1, maxLength: 4 });

  it('sums to 100 while anything is ready, in whole numbers, and gives nothing to who has nothing', () => {
    fc.assert(
      fc.property(any, (shapes) => {
        const total = shapes.reduce((sum, { share }) => sum + share, 0);
        const all = shapes.map(({ share, ...rest }, i) => {
          return { revision: i + 1, desired: total === 0 ? 0 : (100 * share) / total, ...rest };
        });
        const split = computeEffective(all);
        const weights = Object.values(split);
        const isAnyReady = all.some(({ ready }) => ready > 0);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(isAnyReady ? 100 : 0);
        expect(weights.every((weight) => Number.isInteger(weight) && weight >= 0)).toBe(true);
        for (const { revision, ready } of all) if (ready === 0) expect(split[revision] ?? 0).toBe(0);
      }),
    );
  });

  it('is as desired whenever everybody has what is needed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 5 }), (weight, count) => {
        const split = computeEffective([
          of(1, 100 - weight, count, count),
          of(2, weight, count, count, GUARDED),
        ]);
        expect(isSameSplit(split, { 1: 100 - weight, 2: weight })).toBe(true);
      }),
    );
  });
});

describe('computeProportional', () => {
  it.each([
    [{ 1: 3 }, { 1: 100 }],
    [
      { 1: 2, 2: 1 },
      { 1: 67, 2: 33 },
    ],
    [
      { 1: 1, 2: 1, 3: 1 },
      { 1: 34, 2: 33, 3: 33 },
    ],
    [
      { 1: 299, 2: 1 },
      { 1: 99, 2: 1 },
    ],
    [
      { 1: 998, 2: 1, 3: 1 },
      { 1: 98, 2: 1, 3: 1 },
    ],
    [{ 1: 0, 2: 2 }, { 2: 100 }],
    [{ 1: 0 }, {}],
    [{}, {}],
  ])('%j → %j', (counts, split) => {
    expect(computeProportional(counts)).toEqual(split);
  });
});

describe('isSameSplit: a weight of 0 equals absence', () => {
  it.each([
    [{ 1: 100 }, { 1: 100, 2: 0 }, true],
    [{}, {}, true],
    [{ 1: 100 }, {}, false],
    [{ 1: 90, 2: 10 }, { 1: 10, 2: 90 }, false],
  ])('%j and %j: %s', (a, b, same) => {
    expect(isSameSplit(a, b)).toBe(same);
    expect(isSameSplit(b, a)).toBe(same);
  });
});

describe('in detail', () => {
  const of = (revision: number, desired: number, ready: number, needed: number, mayExceed = true) => {
    return { revision, desired, ready, needed, mayExceed };
  };
  it.each([
    ['a tie goes to the lower revision, in any order', [of(3, 0, 1, 1), of(2, 0, 1, 1), of(1, 0, 1, 1)]],
    ['also where they come in order', [of(1, 0, 1, 1), of(2, 0, 1, 1), of(3, 0, 1, 1)]],
  ])('%s', (_, capacities) => {
    expect(computeEffective(capacities)).toEqual({ 1: 34, 2: 33, 3: 33 });
  });

  it('who carries as much as the level already takes no more', () => {
    const split = computeEffective([of(1, 50, 1, 1), of(2, 20, 1, 1), of(3, 30, 1, 3)]);
    expect(split).toEqual({ 1: 50, 2: 25, 3: 25 });
  });

  it('nothing ready is nothing', () => {
    expect(computeEffective([of(1, 100, 0, 3)])).toEqual({});
    expect(computeProportional({ 1: 0 })).toEqual({});
  });
});
