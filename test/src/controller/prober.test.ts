import { afterEach, expect, it, vi } from 'vitest';
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

it('takes nothing for granted of a new replica that has the address of one in the table', () => {
  const { container, ...rest } = target(1, true);
  prober.follow('web', [{ container, ...rest }]);
  prober.follow('web', []);
  prober.follow('web', [{ container: { ...container, id: 'c2', startedAt: 2 }, ...rest }]);
  expect(prober.record('c2').readySince).toBeNull();
});

it('takes nothing for granted of a replica that no table names', () => {
  prober.follow('web', [target(1, false)]);
  expect(prober.record('c1').readySince).toBeNull();
});

/** Probes every second with bad answers, on a clock of its own, until it is unhealthy or has been watched for `forMs`. */
async function condemn(startedAt: number, forMs: number): Promise<number | null> {
  vi.useFakeTimers();
  const healthcheck = { ...HEALTHCHECK, intervalMs: 1000, startIntervalMs: 1000, startPeriodMs: 10_000 };
  let now = 1_000_000;
  const strict = new Prober({
    now: () => now,
    onChange: () => undefined,
    onTrouble: () => undefined,
    probe: async () => ({ ok: false, detail: 'no' }),
  });
  try {
    strict.follow('web', [{ ...target(startedAt, false), healthcheck }]);
    for (const end = now + forMs; now < end; now += 1000) await vi.advanceTimersByTimeAsync(1000);
    const { unhealthySince } = strict.record('c1');
    return unhealthySince === null ? null : unhealthySince - 1_000_000;
  } finally {
    strict.close();
    vi.useRealTimers();
  }
}

it.each([
  ['an hour back', 1_000_000 - 3_600_000],
  ['an hour ahead', 1_000_000 + 3_600_000],
])(
  'counts the start period from when it saw the replica, though the engine says %s',
  async (_, startedAt) => {
    expect(await condemn(startedAt, 10_000)).toBeNull();
    expect(await condemn(startedAt, 20_000)).toBe(12_000);
  },
);
