import { afterEach, expect, it } from 'vitest';
import { Prober, type ProbeTarget } from '../../../src/controller/prober.ts';
import type { ContainerState } from '../../../strategies/model.ts';

const HEALTHCHECK: ProbeTarget['healthcheck'] = {
  probe: { kind: 'tcp' },
  ...{ intervalMs: 60_000, startIntervalMs: 60_000, timeoutMs: 1000, retries: 3, rise: 1, startPeriodMs: 0 },
};

function target(startedAt: number, isServing: boolean): ProbeTarget {
  const container: ContainerState = {
    ...{ id: 'c1', name: 'web-r1-1', revision: 1, ordinal: 1, state: 'running', address: '10.0.0.1:80' },
    ...{ startedAt, exitCode: null, outOfMemory: false, restarts: 0, error: null },
  };
  return { container, healthcheck: HEALTHCHECK, port: 80, isServing };
}

const NOW = 100_000;
const prober = new Prober({
  now: () => NOW,
  onChange: () => undefined,
  onTrouble: () => undefined,
  probe: () => new Promise(() => undefined),
});
afterEach(() => prober.close());

it('takes a routed replica that a new controller finds as ready', () => {
  prober.follow('web', [target(1, true)]);
  expect(prober.record('c1')).toMatchObject({ readySince: NOW, successes: 1 });
});

it('but leaves it to the first answer where it may run anew since its engine was restarted', () => {
  prober.follow('web', [target(NOW - 59_999, true)]);
  expect(prober.record('c1')).toMatchObject({ readySince: NOW, successes: 0 });
});

it('takes nothing for granted of a replica that the engine has restarted, though the table still names it', () => {
  prober.follow('web', [target(1, true)]);
  prober.follow('web', [target(2, true)]);
  expect(prober.record('c1').readySince).toBeNull();
});

it('takes nothing for granted of a replica that no table names', () => {
  prober.follow('web', [target(1, false)]);
  expect(prober.record('c1').readySince).toBeNull();
});
