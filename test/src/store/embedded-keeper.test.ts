// What needs no etcd: a machine that has none.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepEmbeddedEtcd } from '../../../src/store/embedded-keeper.ts';
import { findFreePorts } from '../../support/names.ts';

it('gives up at once where there is neither etcd nor docker', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-keeper-'));
  const [port] = await findFreePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const nothing = () => undefined;
  const keeper = keepEmbeddedEtcd({
    dataDir,
    endpoint,
    path: dataDir,
    onServing: nothing,
    onTrouble: nothing,
  });
  await expect(keeper.started).rejects.toMatchObject({ code: 'store-embedded-failed' });
  expect(keeper.trouble()).toContain('no etcd is on PATH');
  await keeper.stop();
  rmSync(dataDir, { recursive: true });
});
