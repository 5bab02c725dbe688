// etcd is lost with all it held, and comes back from a backup or from a snapshot: what runs goes on as it is, nothing is
// done twice, and the next release works.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendBurst } from '../../scripts/load-burst.ts';
import { readShell } from '../support/documents.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

let slipway: Slipway;
let service: Service;
let folder: string;

beforeAll(async () => {
  await buildVersions('v1', 'v2', 'v3');
  folder = mkdtempSync(join(tmpdir(), 'slipway-restore-'));
  slipway = await startSlipway();
  const tuning = { monitor: '200ms' };
  service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', spec: { replicas: 2 }, tuning });
});
afterAll(async () => {
  await slipway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What must be the same before and after: when nothing is on its way out any more. */
async function look() {
  await waitFor('two containers', async () => (await service.containers()).length === 2);
  const containers = await service.containers();
  const history = await service.history();
  return {
    containers: containers.map(({ id, name }) => `${name} ${id}`).sort(),
    history: history.map(({ id, outcome }) => `${id} ${outcome}`).sort(),
  };
}

/** The next release works, and nothing else was rolled out before it. */
async function goOn(version: string, before: Awaited<ReturnType<typeof look>>): Promise<void> {
  expect(await look()).toEqual(before);
  expect((await service.release(version)).code).toBe(0);
  await expectTraffic(version);
  expect((await service.history()).length).toBe(before.history.length + 1);
}

/** The controller has looked at the restored keys and come to rest, and the proxy listens. */
async function settle(): Promise<void> {
  const version = await slipway.store.get(slipway.keys.version(service.name));
  const { phase, rollout } = await service.until(
    'the restored version to be seen',
    ({ observed, message }) => observed.version === version?.modRevision && message !== '',
  );
  expect({ phase, rollout }).toEqual({ phase: 'idle', rollout: null });
  await waitFor('a leader', () => slipway.read(slipway.keys.leader));
  await waitFor('the proxy', () => fetch(`http://127.0.0.1:${slipway.ports.http}/`));
}

async function expectTraffic(version: string): Promise<void> {
  const { byVersion, problems } = await sendBurst(service.target, 50);
  expect({ byVersion, problems }).toEqual({ byVersion: { [version]: 50 }, problems: [] });
}

describe('a backup', () => {
  it('brings back into an empty etcd what an operator had rolled back, and keeps it so', async () => {
    await service.stand('v1');
    await service.succeed('v2');
    await service.command('rollback');
    await service.until('v1 again', ({ stable, rollout }) => stable?.version === 'v1' && rollout === null);
    const before = await look();
    const file = join(folder, 'backup.json');
    expect(await slipway.cli('backup', file)).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await slipway.cli('restore', file)).toMatchObject({ code: 1, stdout: '' });

    await slipway.endDaemon('SIGTERM');
    await slipway.etcd.startOver();
    expect(await slipway.cli('restore', file)).toMatchObject({ code: 0, stderr: '' });
    await slipway.startDaemon();

    await settle();
    await expectTraffic('v1');
    await goOn('v3', before);
  });
});

describe('a snapshot', () => {
  it('brings back all of etcd by the documented commands, and the daemon goes on', async () => {
    const before = await look();
    await slipway.endDaemon('SIGTERM');
    const file = join(folder, 'snapshot.db');
    for (const [, ...words] of readShell('etcd.md', 'snapshot', { '/backup/slipway.db': file }))
      await slipway.etcd.ctl(...words);
    await slipway.etcd.startOver(async (dataDir) => {
      const places = { '/backup/slipway.db': file, '/var/lib/etcd-new': dataDir };
      for (const [, ...words] of readShell('etcd.md', 'snapshot-restore', places))
        await slipway.etcd.ctl(...words);
    });
    await slipway.startDaemon();

    await settle();
    await expectTraffic('v3');
    await goOn('v2', before);
  });
});
