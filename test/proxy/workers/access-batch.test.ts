import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AccessRecord } from '../../../proxy/server.ts';
import { AccessBatch } from '../../../proxy/workers/access-batch.ts';
import { until } from '../rig.ts';

const RECORD: AccessRecord = {
  ...{ time: 0, requestId: 'a', client: '::1', method: 'GET', host: '', path: '/', status: 200, bytes: 1 },
  ...{ seconds: 0.1, service: null, revision: null, target: null, retries: 0, outcome: 'answered' },
};

it('records go out together after a moment, at once when they are many, and what is taken is not sent again', async () => {
  const sent: number[] = [];
  const batch = new AccessBatch((records) => sent.push(records.length));
  for (let count = 0; count < 3; count += 1) batch.add(RECORD);
  expect(sent).toEqual([]);
  await until(() => sent.length > 0, 'they are sent');
  expect(sent).toEqual([3]);
  for (let count = 0; count < 257; count += 1) batch.add(RECORD);
  expect(sent).toEqual([3, 256]);
  expect(batch.take()).toHaveLength(1);
  expect(batch.take()).toHaveLength(0);
  await sleep(100);
  expect(sent).toEqual([3, 256]);
});
