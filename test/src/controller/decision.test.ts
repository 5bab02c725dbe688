import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RuntimeFailure } from '../../../deploy/errors.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { KEYS, readStatus, SPEC, startFakeProxy, startLoop, until } from './stage.ts';

const IMAGE = 'registry.test/web';

let etcd: FakeEtcd;
let runtime: FakeRuntime;
let proxy: Awaited<ReturnType<typeof startFakeProxy>>;
let loop: Awaited<ReturnType<typeof startLoop>>;

beforeEach(async () => {
  etcd = new FakeEtcd();
  runtime = new FakeRuntime();
  for (const version of ['v1', 'v2']) runtime.addImage(IMAGE, version);
  runtime.addImage(IMAGE, 'bad', { readyAfterMs: Number.POSITIVE_INFINITY });
  proxy = await startFakeProxy(etcd);
  loop = await startLoop(etcd, runtime);
  etcd.put(KEYS.spec('web'), SPEC);
  expect(await release('v1')).toBe('succeeded');
});

afterEach(async () => {
  await loop.close();
  await proxy.close();
});

async function release(version: string): Promise<string | undefined> {
  const revision = etcd.put(KEYS.version('web'), version);
  await until(() => readStatus(etcd)?.last?.requested === revision);
  return readStatus(etcd)?.last?.outcome;
}

describe('an engine that is about to end, and answers on old connections still', () => {
  it('condemns no version until it takes a new one', async () => {
    const gone = new RuntimeFailure('engine-unavailable', 'connect ENOENT');
    const info = vi.spyOn(runtime, 'info').mockRejectedValue(gone);
    const requested = etcd.put(KEYS.version('web'), 'bad');
    await until(() => readStatus(etcd)?.reason === 'engine-unavailable');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readStatus(etcd)).toMatchObject({ reason: 'engine-unavailable', last: { version: 'v1' } });
    info.mockRestore();
    await until(() => readStatus(etcd)?.last?.requested === requested);
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'rolled-back', reason: 'probe-failed' });
  });

  it('does so only by what is seen after that', async () => {
    let hasConfirmed = false;
    const [list, info] = [runtime.list.bind(runtime), runtime.info.bind(runtime)];
    vi.spyOn(runtime, 'list').mockImplementation(async (...asked) => {
      const dead = { state: 'exited', exitCode: 137, address: null } as const;
      const found = await list(...asked);
      return found.map((each) => (each.revision === 2 && !hasConfirmed ? { ...each, ...dead } : each));
    });
    vi.spyOn(runtime, 'info').mockImplementation(async () => {
      hasConfirmed = true;
      return await info();
    });
    expect([await release('v2'), hasConfirmed]).toEqual(['succeeded', true]);
  });
});
