import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Wheel } from '../../../proxy/table/wheel.ts';

const splits = fc
  .array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 })
  .map((parts) => cutTo100(parts));

/** Cuts positive parts into positive integers that sum to 100. */
function cutTo100(parts: readonly number[]): number[] {
  const sum = parts.reduce((total, part) => total + part, 0);
  const weights = parts.map((part) => Math.max(1, Math.floor((part * 100) / sum)));
  const largest = weights.indexOf(Math.max(...weights));
  return weights.map((weight, index) =>
    index === largest
      ? 100 - weights.reduce((total, other, at) => (at === index ? total : total + other), 0)
      : weight,
  );
}

function worstDeviation(weights: readonly number[], picks: number): number {
  const wheel = new Wheel(weights);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = weights.map(() => 0);
  let worst = 0;
  for (let n = 1; n <= picks; n += 1) {
    const chosen = wheel.next();
    counts[chosen] = (counts[chosen] ?? 0) + 1;
    for (const [index, weight] of weights.entries()) {
      worst = Math.max(worst, Math.abs((counts[index] ?? 0) - (n * weight) / total));
    }
  }
  return worst;
}

describe('the interleaving of weights', () => {
  it.each([
    { weights: [100], picks: [0, 0, 0] },
    { weights: [50, 50], picks: [0, 1, 0, 1] },
    { weights: [90, 10], picks: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
    { weights: [75, 25], picks: [0, 0, 1, 0, 0, 0, 1, 0] },
  ])('of $weights is $picks', ({ weights, picks }) => {
    const wheel = new Wheel(weights);
    expect(picks.map(() => wheel.next())).toEqual(picks);
  });

  it('stays within one pick of the exact share for every split of two revisions, at every moment of 400 picks', () => {
    const worst = Array.from({ length: 99 }, (_, index) => worstDeviation([index + 1, 99 - index], 400));
    expect(Math.max(...worst)).toBeLessThan(1);
  });

  it('stays within one pick of the exact share for any split, at every moment of thousands of picks', () => {
    fc.assert(
      fc.property(splits, fc.integer({ min: 1, max: 3_000 }), (weights, picks) => {
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(100);
        expect(worstDeviation(weights, picks)).toBeLessThan(1);
      }),
      { numRuns: 60 },
    );
  });

  it('stays within one pick where smooth weighted round robin does not: one large choice among many small ones', () => {
    expect(worstDeviation([40, ...Array.from({ length: 20 }, () => 3)], 1_000)).toBeLessThan(1);
  });
});
