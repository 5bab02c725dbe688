// A lease among several endpoints: one that cannot be opened at is not tried for as long as the lease lasts.
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { EtcdCalls } from '../../../src/store/etcd-calls.ts';
import { EtcdLease } from '../../../src/store/etcd-lease.ts';
import { waitFor } from '../../support/wait.ts';

/** Where nothing listens. */
async function findDeadEnd(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return `http://127.0.0.1:${address.port}`;
}

test('a stream that cannot be opened, as where nobody authenticates, is opened at the next endpoint', async () => {
  const endpoints = [await findDeadEnd(), await findDeadEnd()] as const;
  const calls = new EtcdCalls({ endpoints, user: 'slipway', password: 'secret', timeoutMs: 300 });
  const granted = { id: '1', ttlMs: 20_000, sentAt: performance.now() };
  const lease = new EtcdLease(calls, granted, () => undefined);
  try {
    expect(calls.endpoint).toBe(endpoints[0]);
    await waitFor('the other endpoint', () => calls.endpoint === endpoints[1]);
    expect(lease.lost.aborted).toBe(false);
  } finally {
    lease.end('the test is over');
    calls.close();
  }
});
