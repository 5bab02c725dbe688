// Traffic shares to the request: canary steps and the manual split, counted over ten thousand requests each.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendBurst } from '../../scripts/load-burst.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';

const REQUESTS = 10_000;
let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  slipway = await startSlipway();
});
afterAll(async () => {
  await slipway?.stop();
});

describe('a canary of 10, 50 and 100 percent', () => {
  it('gives each step its share, within one request of ten thousand', async () => {
    const steps = [{ weight: 10 }, { pause: 'manual' }, { weight: 50 }, { pause: 'manual' }];
    const service = new Service(slipway, { image: REPOSITORY, strategy: 'canary', tuning: { steps } });
    await service.stand('v1');
    const requested = await service.ask('v2');
    for (const weight of [10, 50]) {
      await service.until(
        `the hold at ${weight} %`,
        ({ reason, candidate }) =>
          reason === 'waiting-for-promotion' && candidate?.weight.effective === weight,
      );
      await expectShares(service, { v1: 100 - weight, v2: weight });
      await service.command('promote');
    }
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    await expectShares(service, { v2: 100 });
  });
});

describe('manual weights', () => {
  it('are followed to the request while the key exists, and control comes back when it is gone', async () => {
    const service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling' });
    await service.stand('v1');
    const { keys } = slipway;
    await slipway.put(keys.weights(service.name), 'v1=75,v2=25');
    const split = await service.until('75/25', ({ stable }) => stable?.weight.effective === 75);
    expect(split).toMatchObject({ reason: 'manual-weights', stable: { version: 'v1' } });
    await expectShares(service, { v1: 75, v2: 25 });
    await slipway.put(keys.weights(service.name), '{"v1": 60, "v2": 50}');
    const invalid = await service.until('the refusal', ({ message }) => message.includes('110'));
    expect(invalid.phase).toBe('invalid');
    await expectShares(service, { v1: 75, v2: 25 });
    await slipway.remove(keys.weights(service.name));
    await service.until(
      'v1 alone',
      ({ phase, stable }) => phase === 'idle' && stable?.weight.effective === 100,
    );
    await expectShares(service, { v1: 100 });
  });
});

/** A smooth weighted round robin is never off by more than one. */
async function expectShares(service: Service, percent: Readonly<Record<string, number>>): Promise<void> {
  const { byVersion, problems } = await sendBurst(service.target, REQUESTS);
  expect(problems).toEqual([]);
  expect(Object.keys(byVersion).sort()).toEqual(Object.keys(percent).sort());
  for (const [version, share] of Object.entries(percent)) {
    expect(Math.abs((byVersion[version] ?? 0) - (REQUESTS * share) / 100)).toBeLessThanOrEqual(1);
  }
}
