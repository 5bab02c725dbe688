// A short row of releases; two hundred, with memory, are `npm run test:faults -- releases`.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { buildVersions } from '../support/versions.ts';
import { describeReleases, findGrowth, releaseInARow } from './releases.ts';

let etcd: EtcdServer;
beforeAll(async () => {
  await buildVersions('v1', 'v2');
  etcd = await startEtcd();
});
afterAll(async () => {
  await etcd?.stop();
});

it('twenty releases in a row lose no request and leave nothing behind', async () => {
  const report = await releaseInARow(etcd, 20, 12);
  process.stdout.write(`${describeReleases(report)}\n`);
  expect([report.failures, findGrowth(report)]).toEqual([[], []]);
  expect(report.requests).toBeGreaterThan(500);
});
