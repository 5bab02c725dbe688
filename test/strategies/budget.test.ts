import { describe, expect, it } from 'vitest';
import {
  computeBudget,
  computeOwnBudget,
  computeRollbackBudget,
  computeStepReplicas,
} from '../../strategies/budget.ts';
import type { Amount } from '../../strategies/model.ts';
import { blueGreen, canary, recreate, rolling, specOf } from '../sim/spec.ts';

const n = (count: number): Amount => ({ count });
const p = (percent: number): Amount => ({ percent });

describe('computeBudget: a surge percentage rounds up, an unavailable one down', () => {
  it.each([
    ['the worked example', 3, p(25), p(25), 1, 0],
    ['both come to 0, so unavailable becomes 1', 1, p(0), p(25), 0, 1],
    ['both 0 of 0 replicas', 0, p(25), p(25), 0, 1],
    ['10 replicas', 10, p(25), p(25), 3, 2],
    ['4 replicas, exact', 4, p(25), p(25), 1, 1],
    ['all of them twice', 3, p(100), n(0), 3, 0],
    ['a surge of more than all', 2, p(150), n(0), 3, 0],
    ['counts as they are', 10, n(2), n(3), 2, 3],
    ['never more unavailable than there are', 2, n(0), n(5), 0, 2],
    ['start-first', 3, n(1), n(0), 1, 0],
    ['stop-first', 3, n(0), n(1), 0, 1],
  ])('%s', (_, replicas, surge, unavailable, up, down) => {
    expect(computeBudget(replicas, surge, unavailable)).toEqual({ surge: up, unavailable: down });
  });
});

describe('computeRollbackBudget: parallelism 0 is all at once', () => {
  it.each([
    [4, 0, 'start-first', 4, 0],
    [4, 2, 'start-first', 2, 0],
    [4, 9, 'start-first', 4, 0],
    [4, 0, 'stop-first', 0, 4],
    [4, 1, 'stop-first', 0, 1],
    [0, 0, 'start-first', 1, 0],
  ] as const)('%i replicas, parallelism %i, %s', (replicas, parallelism, order, surge, unavailable) => {
    expect(computeRollbackBudget(replicas, parallelism, order)).toEqual({ surge, unavailable });
  });
});

describe('computeOwnBudget', () => {
  it.each([
    [recreate(), { surge: 0, unavailable: 1 }],
    [rolling({ surge: p(50), unavailable: n(1) }), { surge: 2, unavailable: 1 }],
    [blueGreen(), { surge: 3, unavailable: 0 }],
    [canary(), { surge: 3, unavailable: 0 }],
  ])('$type', (strategy, budget) => {
    expect(computeOwnBudget(specOf(strategy))).toEqual(budget);
  });
});

describe('computeStepReplicas: in proportion to the weight, rounded up, unless the step says its own', () => {
  it.each([
    [3, 10, null, 1],
    [3, 34, null, 2],
    [10, 25, null, 3],
    [10, 50, null, 5],
    [3, 100, null, 3],
    [3, 0, null, 0],
    [10, 10, n(4), 4],
    [10, 10, p(50), 5],
    [3, 10, p(1), 1],
    [3, 10, n(9), 3],
    [0, 10, n(1), 0],
  ])('%i replicas at %i %%', (replicas, weight, amount, count) => {
    expect(computeStepReplicas(replicas, weight, amount)).toBe(count);
  });
});
