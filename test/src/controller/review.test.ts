// A spec that this daemon refuses, for each place in a service's life: found out before anything is stopped for it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Review } from '../../../src/controller/review.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { KEYS, readStatus, SPEC, startFakeProxy, startLoop, until } from './stage.ts';

const RECREATE = SPEC.replace('type: rolling', 'type: recreate');
const HOSTILE = `${RECREATE}cap_add: [SYS_ADMIN]\n`;

const closed: Review = async ({ settings }) =>
  settings.container.capAdd.map((name) => `cap_add: ${name} reaches beyond the container`);
const open: Review = async () => [];

let etcd: FakeEtcd;
let runtime: FakeRuntime;
let proxy: Awaited<ReturnType<typeof startFakeProxy>>;
let loop: Awaited<ReturnType<typeof startLoop>>;

beforeEach(async () => {
  etcd = new FakeEtcd();
  runtime = new FakeRuntime();
  for (const version of ['v1', 'v2']) runtime.addImage('registry.test/web', version);
  proxy = await startFakeProxy(etcd);
});

afterEach(async () => {
  await loop.close();
  await proxy.close();
});

async function release(version: string): Promise<void> {
  const revision = etcd.put(KEYS.version('web'), version);
  await until(() => readStatus(etcd)?.last?.requested === revision);
}
const stops = () => runtime.calls.filter((call) => /^(stop|remove)/.test(call));

describe('a spec with a network that does not exist', () => {
  it('stops nothing that runs; its rollout goes on when the network is there', async () => {
    loop = await startLoop(etcd, runtime);
    etcd.put(KEYS.spec('web'), RECREATE);
    await release('v1');
    etcd.put(KEYS.spec('web'), `${RECREATE}networks: [shop]\n`);
    await until(() => readStatus(etcd)?.reason === 'network-missing');
    expect(readStatus(etcd)).toMatchObject({ phase: 'progressing', reason: 'network-missing' });
    expect([readStatus(etcd)?.message, stops()]).toEqual([expect.stringContaining('network shop'), []]);
    runtime.networks.add('shop');
    await until(() => readStatus(etcd)?.stable?.revision === 2);
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'succeeded', version: 'v1' });
  });
});

describe('a spec that this daemon refuses', () => {
  it('starts nothing as the first one, and says why', async () => {
    loop = await startLoop(etcd, runtime, { review: closed });
    etcd.put(KEYS.version('web'), 'v1');
    etcd.put(KEYS.spec('web'), HOSTILE);
    await until(() => readStatus(etcd)?.phase === 'invalid');
    expect(readStatus(etcd)).toMatchObject({
      phase: 'invalid',
      reason: 'invalid-spec',
      problems: ['cap_add: SYS_ADMIN reaches beyond the container'],
    });
    expect(runtime.calls).toEqual([]);
  });

  it('stops nothing that runs, and the last one in force serves a new version', async () => {
    loop = await startLoop(etcd, runtime, { review: closed });
    etcd.put(KEYS.spec('web'), RECREATE);
    await release('v1');
    etcd.put(KEYS.spec('web'), HOSTILE);
    await until(() => readStatus(etcd)?.phase === 'invalid');
    await until(() => stops().length > 0, 200);
    expect(stops()).toEqual([]);
    await release('v2');
    expect(readStatus(etcd)).toMatchObject({ phase: 'invalid', last: { outcome: 'succeeded' } });
    expect(JSON.parse(etcd.value(KEYS.revision('web', 2)) ?? '{}').settings.container.capAdd).toEqual([]);
  });

  it('that was allowed before keeps what runs, and begins nothing new that could not start', async () => {
    loop = await startLoop(etcd, runtime, { review: open });
    etcd.put(KEYS.spec('web'), HOSTILE);
    await release('v1');
    await loop.close();
    loop = await startLoop(etcd, runtime, { review: closed });
    etcd.put(KEYS.version('web'), 'v2');
    await until(() => readStatus(etcd)?.phase === 'invalid');
    await until(() => stops().length > 0, 200);
    expect([stops(), readStatus(etcd)?.rollout]).toEqual([[], null]);
    etcd.put(KEYS.spec('web'), RECREATE);
    await until(() => readStatus(etcd)?.stable?.version === 'v2');
    expect(readStatus(etcd)).toMatchObject({ phase: 'idle', stable: { version: 'v2' } });
  });
});
