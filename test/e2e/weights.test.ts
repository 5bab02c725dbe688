// Traffic shares to the request: canary steps and the manual split, counted over ten thousand requests each, also by a
// proxy of several workers.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeImages } from '../../scripts/images.ts';
import { sendBurst } from '../../scripts/load-burst.ts';
import { startRegistry } from '../contract/registry.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, nameVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

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

describe('manual weights that name a version that cannot run', () => {
  it('are refused with the reason, and the split before stays', async () => {
    const registry = await startRegistry();
    const image = `${registry.host}/weights`;
    const names = await nameVersions(image, 'v1', 'v2');
    const { keys } = slipway;
    try {
      const service = new Service(slipway, { image, strategy: 'rolling', spec: { replicas: 2 } });
      await service.stand('v1');
      await slipway.put(keys.weights(service.name), 'v1=75,v2=25');
      await service.until('75/25', ({ stable }) => stable?.weight.effective === 75);
      const before = (await service.containers()).map(({ id }) => id);
      await slipway.put(keys.weights(service.name), 'v1=50,v9=50');
      const status = await service.until('the refusal', ({ phase }) => phase === 'invalid');
      expect(status).toMatchObject({ reason: 'invalid-weights', stable: { weight: { effective: 75 } } });
      expect(status.message).toMatch(/^weights: v9 cannot run \(missing: .*manifest.*unknown/s);
      // After the last of three tries it is no longer asked for.
      const given = await service.until(
        'the last word on it',
        ({ next, message }) => next === null && message.includes('v9 cannot run'),
      );
      expect(given.message).toMatch(/The split before stays\.$/);
      await expectShares(service, { v1: 75, v2: 25 }, { requests: 1_000 });
      expect((await service.containers()).map(({ id }) => id)).toEqual(before);
      await service.retire();
    } finally {
      await removeImages(names);
      await registry.close();
    }
  });
});

describe('a proxy of two workers', () => {
  it('is exact but for one request a worker', async () => {
    const crowd = await startSlipway({ arguments: ['--workers', '2'] });
    try {
      await waitFor('both workers', () => countWorkers(crowd.proxyPid()) === 2);
      const service = new Service(crowd, { image: REPOSITORY, strategy: 'rolling', spec: { replicas: 2 } });
      await service.stand('v1');
      await crowd.put(crowd.keys.weights(service.name), 'v1=90,v2=10');
      await service.until('90/10', ({ stable }) => stable?.weight.effective === 90);
      await expectShares(service, { v1: 90, v2: 10 }, { workers: 2 });
    } finally {
      await crowd.stop();
    }
  });
});

/** Processes that this one has started and that live. */
function countWorkers(pid: number | null): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length;
}

/** The wheel is never off by more than one, and each worker has its own. */
async function expectShares(
  service: Service,
  percent: Readonly<Record<string, number>>,
  { requests = REQUESTS, workers = 1 } = {},
): Promise<void> {
  const { byVersion, problems } = await sendBurst(service.target, requests);
  expect(problems).toEqual([]);
  expect(Object.keys(byVersion).sort()).toEqual(Object.keys(percent).sort());
  for (const [version, share] of Object.entries(percent)) {
    const off = Math.abs((byVersion[version] ?? 0) - (requests * share) / 100);
    expect(off, `${version}: ${byVersion[version]}`).toBeLessThanOrEqual(workers);
  }
}
