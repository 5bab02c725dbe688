// Images go with the revisions that ran them: beyond `history`, and all of them with their service. What fails or is cut off
// by a crash is made good, for the record of a revision outlives its image.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeFailure } from '../../../deploy/errors.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { KEYS, readStatus, SPEC, startFakeProxy, startLoop, until } from './stage.ts';

const REPOSITORY = 'registry.test/web';
const VERSIONS = ['v1', 'v2', 'v3'];
const AWAY = new RuntimeFailure('engine-error', 'the image is being used');

let etcd: FakeEtcd;
let runtime: FakeRuntime;
let proxy: Awaited<ReturnType<typeof startFakeProxy>>;
let references: readonly string[];
let loop: Awaited<ReturnType<typeof startLoop>>;

beforeEach(async () => {
  etcd = new FakeEtcd();
  runtime = new FakeRuntime();
  references = VERSIONS.map((version) => runtime.addImage(REPOSITORY, version).reference);
  proxy = await startFakeProxy(etcd);
  loop = await startLoop(etcd, runtime);
  etcd.put(KEYS.spec('web'), `${SPEC}history: 2\n`);
});

afterEach(async () => {
  await loop.close();
  await proxy.close();
});

async function release(version: string): Promise<void> {
  const revision = etcd.put(KEYS.version('web'), version);
  await until(() => readStatus(etcd)?.last?.requested === revision);
}
/** What is left on the engine, by version. */
const listImages = () =>
  VERSIONS.filter((_, i) => !runtime.calls.includes(`prune ${REPOSITORY}: ${references[i]}`));
const listRecords = () => [1, 2, 3].filter((number) => etcd.value(KEYS.revision('web', number)) !== null);

describe('an image goes', () => {
  it('with the revision beyond the window, before its record', async () => {
    for (const version of VERSIONS) await release(version);
    await until(() => listRecords().length === 2);
    expect([listImages(), listRecords()]).toEqual([
      ['v2', 'v3'],
      [2, 3],
    ]);
  });

  it('when its removal is made again after a failure', async () => {
    runtime.failNext('pruneImages', AWAY, 2);
    for (const version of VERSIONS) await release(version);
    await until(() => listRecords().length === 2);
    expect(listImages()).toEqual(['v2', 'v3']);
  });

  it('by the next controller, when one ends with a removal undone', async () => {
    runtime.failNext('pruneImages', AWAY, 4);
    for (const version of VERSIONS) await release(version);
    await loop.close();
    expect([listImages(), listRecords()]).toEqual([VERSIONS, [1, 2, 3]]);
    loop = await startLoop(etcd, runtime);
    await until(() => listRecords().length === 2);
    expect([listImages(), listRecords()]).toEqual([
      ['v2', 'v3'],
      [2, 3],
    ]);
  });

  it('from the repository that its revision names, whatever the spec names now', async () => {
    runtime.addImage('mirror.test/web', 'v3');
    for (const version of ['v1', 'v2']) await release(version);
    etcd.put(KEYS.spec('web'), `${SPEC}history: 2\n`.replace('registry.test', 'mirror.test'));
    await release('v3');
    await until(() => listRecords().length === 2);
    expect(listImages()).toEqual(['v2', 'v3']);
  });

  it('with its service, and the service is told to retire until it has', async () => {
    for (const version of ['v1', 'v2']) await release(version);
    runtime.failNext('pruneImages', AWAY, 3);
    etcd.delete(KEYS.spec('web'));
    await until(() => readStatus(etcd)?.message.includes('removing 2 images') === true);
    expect(readStatus(etcd)).toMatchObject({
      phase: 'retiring',
      message: 'The spec is gone: removing 2 images.',
    });
    await until(() => etcd.value(KEYS.rollout('web')) === null);
    expect([listImages(), listRecords()]).toEqual([['v3'], []]);
    expect([KEYS.status('web'), KEYS.route('web')].map((key) => etcd.value(key))).toEqual([null, null]);
  });
});
