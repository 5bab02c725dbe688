import { describe, expect, it } from 'vitest';
import { computeRatio, orderRound, summarize } from '../../../bench/proxy/figures.ts';

const ROUNDS = {
  ours: [{ cpuUs: 90 }, { cpuUs: 40 }, { cpuUs: 60 }],
  nginx: [{ cpuUs: 30 }, { cpuUs: 20 }, { cpuUs: 60 }],
};

describe('samples', () => {
  it('are summed up by their medians and bounds', () => {
    expect(summarize(ROUNDS)).toEqual([
      { name: 'ours', n: 3, median: { cpuUs: 60 }, min: { cpuUs: 40 }, max: { cpuUs: 90 } },
      { name: 'nginx', n: 3, median: { cpuUs: 30 }, min: { cpuUs: 20 }, max: { cpuUs: 60 } },
    ]);
  });

  it('of an even number of rounds have the middle of two as their median', () => {
    const rounds = { ours: ROUNDS.ours.slice(0, 2), nginx: ROUNDS.nginx.slice(0, 2) };
    expect(summarize(rounds).map(({ median }) => median)).toEqual([{ cpuUs: 65 }, { cpuUs: 25 }]);
    expect(computeRatio(rounds, 'cpuUs', 'ours', 'nginx')).toBe(2.5);
  });

  it.each([
    ['the median of the ratios of each round', 'ours', 'nginx', 2],
    ['1 to itself', 'nginx', 'nginx', 1],
    ['the other way round by the rounds too', 'nginx', 'ours', 0.5],
  ])('have as their ratio %s', (_rule, of, to, ratio) => {
    expect(computeRatio(ROUNDS, 'cpuUs', of, to)).toBe(ratio);
  });

  it('of somebody who was not measured have none', () => {
    expect(computeRatio(ROUNDS, 'cpuUs', 'ours', 'caddy')).toBe(Number.POSITIVE_INFINITY);
    expect(computeRatio(ROUNDS, 'perSecond', 'ours', 'nginx')).toBeNaN();
  });
});

describe('the order of a round', () => {
  it('begins with another one each time, and goes both ways', () => {
    const orders = [0, 1, 2, 3].map((round) => orderRound(['a', 'b', 'c'], round).join(''));
    expect(orders).toEqual(['abc', 'acb', 'cab', 'cba']);
  });
});
