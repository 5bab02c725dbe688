import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../../proxy/table/retry-budget.ts';

/** How many in a row may be sent again. */
function spend(budget: RetryBudget, percent: number, now: number): number {
  let count = 0;
  while (count < 10_000 && budget.take(percent, now)) count += 1;
  return count;
}

function budgetAfter(requests: number, now: number): RetryBudget {
  const budget = new RetryBudget();
  for (let count = 0; count < requests; count += 1) budget.note(now);
  return budget;
}

describe('a retry budget', () => {
  it.each([
    ['a share of the requests', 1_000, 20, 200],
    ['three a second where these are few', 10, 20, 15],
    ['no less with a share of nothing', 1_000, 0, 15],
    ['all of them', 1_000, 100, 1_000],
  ])('is %s', (_name, requests, percent, most) => {
    expect(spend(budgetAfter(requests, 1_000), percent, 1_000)).toBe(most);
  });

  it('counts the window before as well, and forgets what is older', () => {
    const budget = budgetAfter(1_000, 1_000);
    expect(spend(budget, 20, 5_999)).toBe(200);
    expect(spend(budget, 20, 6_001)).toBe(0);
    for (let count = 0; count < 500; count += 1) budget.note(6_001);
    expect(spend(budget, 20, 6_001)).toBe(100);
    expect(spend(budget, 20, 11_001)).toBe(0);
    expect(spend(budget, 20, 30_000)).toBe(15);
  });
});
