// What accumulates below a service over the years is held within limits, and a service with all of it can be retired: on
// an etcd with its own defaults, which takes 128 operations in one transaction.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

let slipway: Slipway;
let service: Service;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  slipway = await startSlipway();
  const tuning = { monitor: '200ms' };
  service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', spec: { replicas: 1 }, tuning });
  await service.stand('v1');
});
afterAll(async () => {
  await slipway?.stop();
});

const count = async (prefix: string): Promise<number> => (await slipway.store.list(prefix)).entries.length;

it('two hundred receipts and digests are trimmed, and the service goes without a trace', async () => {
  const { keys } = slipway;
  const { name } = service;
  for (let at = 0; at < 200; at += 1) {
    await slipway.put(keys.history(name, `${name}-old-${at}`), '{"id":"old"}');
    await slipway.put(keys.quarantine(name, `sha256:old-${at}`), '{}');
  }
  await service.succeed('v2');
  await waitFor('the receipts to be trimmed', async () => (await count(keys.histories(name))) === 50);
  const last = (await slipway.status(name))?.last?.id;
  expect((await service.history()).map(({ id }) => id)).toContain(last);
  expect(await count(keys.quarantines(name))).toBe(200);
  await service.retire();
  const left = (await slipway.store.list(keys.service(name))).entries.map(({ key }) => key);
  expect(left).toEqual([keys.version(name)]);
  expect(await slipway.read(keys.route(name))).toBeNull();
});
