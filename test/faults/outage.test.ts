// Samples of outages, seconds each; as long as they are meant to be they are `npm run test:faults -- outage`.
import { beforeAll, expect, it } from 'vitest';
import { buildVersions } from '../support/versions.ts';
import { describeReport } from './outage.ts';
import { SAMPLED } from './outages.ts';

beforeAll(() => buildVersions('v1', 'v2', 'late'));

it.each(SAMPLED)('$name: nothing is lost or destroyed, and it goes on', async ({ name, run }) => {
  const report = await run(false);
  process.stdout.write(`${describeReport(name, report)}\n`);
  expect(report.problems).toEqual([]);
  expect(report.requests).toBeGreaterThan(100);
});
