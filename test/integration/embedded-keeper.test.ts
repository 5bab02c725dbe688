// The daemon's own etcd dies under it: it comes back by itself, with everything that it had acknowledged.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EmbeddedKeeper, keepEmbeddedEtcd } from '../../src/store/embedded-keeper.ts';
import { readRecord } from '../../src/store/embedded-record.ts';
import { openEtcd } from '../../src/store/etcd.ts';
import { type Mirror, startMirror } from '../../src/store/mirror.ts';
import type { Store } from '../../src/store/port.ts';
import { startEtcd } from '../support/etcd.ts';
import { findFreePorts } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

let dataDir: string;
let endpoint: string;
let store: Store;
let origins: string[];
let troubles: string[];
const stop = { signal: new AbortController() };

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'slipway-keeper-'));
  const [port] = await findFreePorts(1);
  endpoint = `http://127.0.0.1:${port}`;
  stop.signal = new AbortController();
  [origins, troubles] = [[], []];
});

afterEach(async () => {
  stop.signal.abort();
  await store?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function keep(): EmbeddedKeeper {
  return keepEmbeddedEtcd({
    ...{ dataDir, endpoint },
    onServing: ({ origin }) => origins.push(origin),
    onTrouble: (error) => troubles.push(String(error)),
  });
}

function follow(): Mirror {
  store = openEtcd({ endpoints: [endpoint] });
  return startMirror({ store, prefix: '/t/', signal: stop.signal.signal });
}

const put = (value: string) => store.commit({ guards: [], puts: [{ key: '/t/a', value }], deletes: [] });

function killEtcd(): void {
  const etcd = readRecord(join(dataDir, 'etcd'))?.etcd;
  if (etcd?.kind !== 'process') throw new Error('no etcd of ours runs');
  process.kill(etcd.pid, 'SIGKILL');
}

it('starts an etcd that was killed again and again, and nothing is lost', async () => {
  const keeper = keep();
  try {
    await keeper.started;
    const mirror = follow();
    await mirror.ready();
    for (const round of [1, 2, 3]) {
      const { revision } = await waitFor(`write ${round}`, async () => {
        const commit = await put(String(round));
        return commit.ok ? commit : null;
      });
      await waitFor('the write to be seen', () => mirror.revision >= revision);
      killEtcd();
      await waitFor('another etcd', () => origins.length > round);
      expect(keeper.trouble()).toBeNull();
      await waitFor(
        'the copy to follow it',
        () => mirror.connected && mirror.get('/t/a')?.value === String(round),
      );
    }
    expect(origins).toEqual(['started', 'started', 'started', 'started']);
    expect(troubles).toHaveLength(3);
  } finally {
    await keeper.stop();
  }
  await expect(fetch(`${endpoint}/health`)).rejects.toThrow();
});

it('leaves an etcd that it did not start to whoever did', async () => {
  const theirs = await startEtcd();
  endpoint = theirs.url;
  const keeper = keep();
  try {
    await keeper.started;
    await theirs.kill();
    await theirs.restart();
    expect([origins, troubles]).toEqual([['found'], []]);
  } finally {
    await keeper.stop();
    await theirs.stop();
  }
});
