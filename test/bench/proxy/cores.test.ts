import { describe, expect, it } from 'vitest';
import { parseCores, planCores, readAllowedCores } from '../../../bench/proxy/cores.ts';

describe('a list of cores', () => {
  it.each([
    ['0', [0]],
    ['0-1', [0, 1]],
    ['0,2-4,7', [0, 2, 3, 4, 7]],
  ])('%s is read', (text, cores) => {
    expect(parseCores(text)).toEqual(cores);
  });

  it.each(['', 'a', '3-1'])('%j is refused', (text) => {
    expect(() => parseCores(text)).toThrow('not a list of cores');
  });

  it('is there for this process', () => {
    expect(readAllowedCores().length).toBeGreaterThan(0);
  });
});

describe('the cores', () => {
  it.each([
    ["one of two is the proxy's alone", [0, 1], 1, { proxy: '1', load: '0', isShared: false }],
    ["two of four are the proxy's alone", [0, 1, 2, 3], 2, { proxy: '2,3', load: '0,1', isShared: false }],
    ['are shared where the proxy wants both', [0, 1], 2, { proxy: '0,1', load: '0,1', isShared: true }],
    ['are shared where there is one', [3], 1, { proxy: '3', load: '3', isShared: true }],
  ])('%s', (_rule, allowed, wanted, placement) => {
    expect(planCores(allowed, wanted)).toEqual(placement);
  });
});
