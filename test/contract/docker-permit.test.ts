// An operation on the engine is several calls. Whoever loses the permit between two of them makes none of those that are
// left: the engine is as the calls before have left it, and somebody else's to go on with.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DockerRuntime } from '../../deploy/docker.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import { sampleRequest } from '../deploy/sample-revision.ts';
import { openEngineProxy } from '../faults/engine-proxy.ts';
import { FaultGate } from '../faults/gate.ts';
import { uniqueName } from '../support/names.ts';
import { openDockerWorld, type RuntimeWorld } from './runtime-worlds.ts';

let world: RuntimeWorld;
const closing: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  world = await openDockerWorld();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => {
  await world?.close();
});

/** A runtime whose permit lasts for as many calls that change something as it is told, or as `asked` says. */
async function open(calls: number, asked?: () => boolean) {
  const gate = new FaultGate(() => undefined);
  const proxy = await openEngineProxy(gate);
  const listChanges = () => gate.calls.filter(({ isChange }) => isChange).map(({ what }) => what);
  const takePermit = () => asked ?? (() => listChanges().length < calls);
  const runtime = new DockerRuntime({ endpoint: parseEndpoint(proxy.host, process.env), takePermit });
  closing.push(() => runtime.close(), proxy.close);
  return { runtime, listChanges };
}

const request = (service: string) => {
  const { prefix, image } = world;
  return sampleRequest({ prefix, service, image, ...world.resolved('steady') });
};

const LOST = { code: 'cancelled', disposition: 'cancelled' };

describe('a permit that is lost', () => {
  test('before a start leaves nothing, in its middle a container that does not run', async () => {
    const service = uniqueName('start');
    const none = await open(0);
    await expect(none.runtime.start(request(service))).rejects.toMatchObject(LOST);
    expect(await world.runtime.list(world.prefix, service)).toEqual([]);
    const one = await open(1);
    await expect(one.runtime.start(request(service))).rejects.toMatchObject(LOST);
    expect(one.listChanges()).toEqual(['POST /containers/create']);
    expect(await world.runtime.list(world.prefix, service)).toMatchObject([{ state: 'created' }]);
    await world.runtime.start(request(service));
    expect(await world.runtime.list(world.prefix, service)).toMatchObject([{ state: 'running' }]);
  });

  test('stops, removes and probes nothing', async () => {
    await world.runtime.start(request('kept'));
    const [kept] = await world.runtime.list(world.prefix, 'kept');
    const id = kept?.id ?? '';
    const { runtime, listChanges } = await open(0);
    await expect(runtime.stop(id, 100)).rejects.toMatchObject(LOST);
    await expect(runtime.remove(id)).rejects.toMatchObject(LOST);
    await expect(runtime.exec(id, ['true'], 1_000)).rejects.toMatchObject(LOST);
    expect(listChanges()).toEqual([]);
    expect(await world.runtime.list(world.prefix, 'kept')).toMatchObject([{ id, state: 'running' }]);
  });

  test('while the call waits for its connection leaves it unsent', async () => {
    await world.runtime.start(request('waiting'));
    const [kept] = await world.runtime.list(world.prefix, 'waiting');
    let questions = 0;
    const { runtime, listChanges } = await open(1, () => {
      questions += 1;
      return questions === 1;
    });
    await expect(runtime.stop(kept?.id ?? '', 100)).rejects.toMatchObject(LOST);
    expect([questions, listChanges()]).toEqual([2, []]);
  });

  test('pulls nothing', async () => {
    const { runtime, listChanges } = await open(0);
    const { signal } = new AbortController();
    const onProgress = () => undefined;
    const pull = {
      image: 'localhost:1/absent',
      version: 'v1',
      policy: 'missing',
      onProgress,
      signal,
    } as const;
    await expect(runtime.resolveImage(pull)).rejects.toMatchObject(LOST);
    expect(listChanges()).toEqual([]);
  });
});
