// What an operator says between rollouts, by the command line: try again, restart, stop the line.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { removeVolume } from '../support/containers.ts';
import { uniqueName } from '../support/names.ts';
import { callReplica } from '../support/replica.ts';
import { QUICK_CHECK, Service, type ServiceOptions } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY, type Version } from '../support/versions.ts';
import { furthestOf, untilMiddle } from './strategy-middle.ts';

/** Longer than a controller takes to begin what it may begin. */
const IDLE_MS = 2_000;
let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1', 'v2', 'late', 'fragile');
  slipway = await startSlipway();
});
afterAll(async () => {
  await slipway?.stop();
});

const standing: Service[] = [];
// Told to go and not waited for: what one test left standing would slow the next.
afterEach(async () => {
  await slipway.remove(slipway.keys.freeze);
  for (const { name } of standing.splice(0)) await slipway.remove(slipway.keys.spec(name));
});

async function given(version: Version, options: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', ...options });
  standing.push(service);
  await service.stand(version);
  return service;
}

async function idsOf(service: Service): Promise<readonly string[]> {
  return (await service.containers()).map(({ id }) => id);
}

describe('retry', () => {
  it('runs a version in quarantine again, and takes it out when it is good now', async () => {
    const volume = uniqueName('state');
    const spec = { replicas: 1, healthcheck: { ...QUICK_CHECK, start_period: '2s' } };
    const service = await given('v1', { spec: { ...spec, volumes: [`${volume}:/state`] } });
    try {
      const [first = ''] = await idsOf(service);
      const nothing = await slipway.cli('retry', service.name);
      expect(nothing).toMatchObject({ code: 1, stdout: '' });
      expect(nothing.stderr).toContain('retry refused: Nothing to retry: v1 runs already.');
      await callReplica(first, '/file?path=/state/sick', 'PUT');
      expect((await service.release('fragile')).code).toBe(3);
      expect(await service.quarantined()).toHaveLength(1);
      await callReplica(first, '/file?path=/state/sick', 'DELETE');
      expect((await service.release('fragile')).code).toBe(6);
      expect((await slipway.cli('retry', service.name, '--wait', '--timeout', '120s')).code).toBe(0);
      const status = await service.until('rest', ({ rollout }) => rollout === null);
      expect(status).toMatchObject({ phase: 'idle', reason: null, stable: { version: 'fragile' } });
      expect(await service.quarantined()).toEqual([]);
      await service.retire();
    } finally {
      await removeVolume(volume);
    }
  });
});

describe('restart', () => {
  it('replaces every replica by one of the same image, and loses no request', async () => {
    const service = await given('v1');
    const before = await slipway.status(service.name);
    const former = await idsOf(service);
    const load = startLoad(service.target);
    expect((await slipway.cli('restart', service.name, '--wait', '--timeout', '120s')).code).toBe(0);
    const after = await service.until('rest', ({ rollout }) => rollout === null);
    expect(after.last).toMatchObject({ kind: 'restart', outcome: 'succeeded' });
    expect(after.stable).toMatchObject({ version: 'v1', revision: 2, digest: before?.stable?.digest });
    expect(await idsOf(service)).toHaveLength(3);
    expect((await idsOf(service)).filter((id) => former.includes(id))).toEqual([]);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('a freeze', () => {
  it('of one service lets nothing begin, keeps what was asked, and lets it begin when it ends', async () => {
    const service = await given('v1', { spec: { replicas: 1 } });
    const former = await idsOf(service);
    const frozen = await slipway.cli('freeze', service.name, '--reason', 'audit');
    expect(frozen).toMatchObject({ code: 0, stdout: `${service.name}: frozen (audit)\n` });
    const refused = await service.release('v2');
    expect(refused.code).toBe(6);
    expect(`${refused.stdout}${refused.stderr}`).toContain('Frozen: audit. A request is waiting.');
    expect((await slipway.cli('restart', service.name)).code).toBe(6);
    await sleep(IDLE_MS);
    expect(await slipway.status(service.name)).toMatchObject({
      ...{ phase: 'frozen', reason: 'frozen', version: 'v2', rollout: null },
      ...{ candidate: null, stable: { version: 'v1', replicas: { ready: 1, total: 1 } } },
    });
    expect(await idsOf(service)).toEqual(former);
    expect((await service.history()).length).toBe(1);
    const over = await slipway.cli('unfreeze', service.name);
    expect(over).toMatchObject({ code: 0, stdout: `${service.name}: no longer frozen\n` });
    const status = await service.until(
      'v2',
      ({ stable, rollout }) => rollout === null && stable?.version === 'v2',
    );
    expect(status).toMatchObject({ phase: 'idle', last: { kind: 'release', outcome: 'succeeded' } });
  });

  it('of all services lets a running rollout finish, and a rollback pass', async () => {
    const service = await given('v1');
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, furthestOf('rolling'));
    expect((await slipway.cli('freeze', '--reason', 'incident')).code).toBe(0);
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    await service.until('the freeze', ({ phase }) => phase === 'frozen');
    const back = await slipway.cli('rollback', service.name, '--wait', '--timeout', '120s');
    expect(back.code).toBe(0);
    const status = await service.until('rest', ({ rollout }) => rollout === null);
    expect(status).toMatchObject({
      ...{ phase: 'frozen', stable: { version: 'v1', revision: 1 } },
      last: { kind: 'rollback', outcome: 'succeeded' },
    });
    expect((await slipway.cli('unfreeze')).stdout).toBe('all services: no longer frozen\n');
    await service.until('the end of the freeze', ({ phase }) => phase === 'idle');
    expect((await load.stop()).failures).toEqual([]);
  });
});
