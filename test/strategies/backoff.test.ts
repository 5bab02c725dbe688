import { describe, expect, it } from 'vitest';
import { backoffUntil, retryAt } from '../../strategies/backoff.ts';

describe('backoffUntil', () => {
  it('what was never started may start at once', () => {
    expect(backoffUntil(undefined)).toBe(0);
  });

  it.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [9, 256_000],
    [10, 300_000],
    [1000, 300_000],
  ])('after %i starts, %i ms after the last', (attempts, ms) => {
    expect(backoffUntil({ attempts, at: 5000 })).toBe(5000 + ms);
  });
});

describe('retryAt: an action that failed', () => {
  it.each([
    [1, 250],
    [2, 500],
    [5, 4000],
    [8, 30_000],
    [100, 30_000],
  ])('%i times in a row waits %i ms', (attempts, ms) => {
    expect(retryAt({ attempts, at: 5000 })).toBe(5000 + ms);
  });
});
