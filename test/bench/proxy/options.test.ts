import { describe, expect, it } from 'vitest';
import { parseOptions, SCENARIO_NAMES } from '../../../bench/proxy/options.ts';

describe('the options', () => {
  it('have defaults: everybody, everything, five rounds', () => {
    expect(parseOptions([])).toEqual({
      rounds: 5,
      seconds: 3,
      peers: ['ours', 'nginx', 'haproxy', 'caddy', 'http-proxy'],
      scenarios: SCENARIO_NAMES,
      isOfWorkers: false,
      sharePercent: null,
    });
  });

  it('say how much of what is measured, in the order of the bench', () => {
    const args = '--rounds 2 --seconds 10 --only nginx,ours --scenario idle,small --workers --share 25'.split(
      ' ',
    );
    expect(parseOptions(args)).toEqual({
      rounds: 2,
      seconds: 10,
      peers: ['ours', 'nginx'],
      scenarios: ['small', 'idle'],
      isOfWorkers: true,
      sharePercent: 25,
    });
  });

  it.each([
    ['--rounds 0', '--rounds 0: expected a count'],
    ['--seconds 1.5', '--seconds 1.5: expected a count'],
    ['--share half', '--share half: expected a count'],
    ['--only ours,traefik', '--only traefik: expected ours, nginx'],
    ['--scenario large', '--scenario large: expected small, 16k'],
    ['--round 2', "Unknown option '--round'"],
    ['small', 'Unexpected argument'],
  ])('%s are refused', (text, message) => {
    expect(() => parseOptions(text.split(' '))).toThrow(message);
  });
});
