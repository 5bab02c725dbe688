// The contract of `ContainerRuntime`, run against the fake and against dockerd.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CreateRequest, LogMark, RuntimeEvent } from '../../deploy/runtime.ts';
import { sampleRequest } from '../deploy/sample-revision.ts';
import { type ImageKind, openDockerWorld, openFakeWorld, type RuntimeWorld } from './runtime-worlds.ts';

const WORLDS = [
  ['the fake engine', openFakeWorld],
  ['dockerd', openDockerWorld],
] as const;

describe.each(WORLDS)('the container runtime on %s', (_name, open) => {
  let world: RuntimeWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(async () => {
    await world.close();
  });

  const request = (service: string, kind: ImageKind = 'steady', restart = 'no'): CreateRequest => {
    const { prefix, image } = world;
    return sampleRequest({ prefix, service, image, ...world.resolved(kind), container: { restart } });
  };
  const look = async (service: string) => (await world.runtime.list(world.prefix, service))[0] ?? null;
  const startAndLook = async (wanted: CreateRequest) => {
    await world.runtime.start(wanted);
    return await world.until('it runs', async () => {
      const found = await look(wanted.identity.service);
      return found !== null && found.state !== 'created' ? found : null;
    });
  };

  test('a started replica is listed with its identity, its address and its start', async () => {
    const before = await world.runtime.list(world.prefix, 'listed');
    const found = await startAndLook(request('listed'));
    expect(before).toEqual([]);
    expect(found).toMatchObject({
      service: 'listed',
      name: 'listed-r1-1',
      revision: 1,
      ordinal: 1,
      state: 'running',
      exitCode: null,
      outOfMemory: false,
      restarts: 0,
      error: null,
    });
    expect(found.address).toMatch(/^\d+\.\d+\.\d+\.\d+:8080$/);
    expect(found.startedAt).toBeGreaterThan(0);
  });

  test('starting what runs already changes nothing', async () => {
    const first = await startAndLook(request('twice'));
    await world.runtime.start(request('twice'));
    expect(await world.runtime.list(world.prefix, 'twice')).toEqual([first]);
  });

  test('networks that do not exist are told from those that do', async () => {
    await world.runtime.requireNetworks([]);
    await world.runtime.requireNetworks(['bridge']);
    await expect(world.runtime.requireNetworks(['bridge', 'nowhere-at-all'])).rejects.toMatchObject({
      code: 'network-missing',
      message: expect.stringContaining('nowhere-at-all'),
    });
  });

  test('another prefix sees none of ours', async () => {
    await startAndLook(request('hidden'));
    expect(await world.runtime.list(`${world.prefix}-other`)).toEqual([]);
    expect((await world.runtime.list(world.prefix)).map(({ service }) => service)).toContain('hidden');
  });

  test('a stop ends it, and once more is success; so is the removal of what is gone', async () => {
    const { id } = await startAndLook(request('stopped'));
    await world.until('its trap', async () => (await world.runtime.tailLog(id, 10)).length === 3);
    await world.runtime.stop(id, 2_000);
    expect(await look('stopped')).toMatchObject({ state: 'exited', exitCode: 0, address: null });
    await world.runtime.stop(id, 2_000);
    await world.runtime.remove(id);
    expect(await look('stopped')).toBeNull();
    await world.runtime.stop(id, 2_000);
    await world.runtime.remove(id);
  });

  test('a removal kills what still runs', async () => {
    const { id } = await startAndLook(request('killed'));
    await world.runtime.remove(id);
    expect(await look('killed')).toBeNull();
  });

  test('one that ends by itself keeps its exit code', async () => {
    await world.runtime.start(request('ended', 'exiting'));
    const found = await world.until('its end', async () => {
      const one = await look('ended');
      return one?.state === 'exited' ? one : null;
    });
    expect(found).toMatchObject({ exitCode: 3, address: null, restarts: 0 });
  });

  test('one that has ended is not started again under its name', async () => {
    const { id } = await startAndLook(request('again'));
    await world.runtime.stop(id, 2_000);
    await expect(world.runtime.start(request('again'))).rejects.toMatchObject({ code: 'name-conflict' });
  });

  test('the engine’s restart policy shows in the restarts', async () => {
    await world.runtime.start(request('looping', 'exiting', 'always'));
    const found = await world.until('a restart', async () => {
      const one = await look('looping');
      return one !== null && one.restarts > 0 ? one : null;
    });
    expect(found.revision).toBe(1);
  });

  test('a name that belongs to somebody else is a conflict', async () => {
    await world.takeName('taken', 1, 1);
    await expect(world.runtime.start(request('taken'))).rejects.toMatchObject({
      code: 'name-conflict',
      disposition: 'conflict',
    });
    expect(await look('taken')).toBeNull();
  });

  test('the tail of a log is its last lines, oldest first', async () => {
    const { id } = await startAndLook(request('logging'));
    await world.until('all lines', async () => (await world.runtime.tailLog(id, 10)).length === 3);
    expect(await world.runtime.tailLog(id, 2)).toEqual(['two', 'three']);
  });

  test('a followed log ends when its signal aborts', async () => {
    const { id } = await startAndLook(request('followed'));
    const stop = new AbortController();
    const seen: string[] = [];
    const options = { tail: 10, follow: true, signal: stop.signal };
    for await (const { text } of world.runtime.streamLog(id, options)) {
      seen.push(text);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  test('a followed log ends with the run of the container, and goes on behind the line where it ended', async () => {
    const { id } = await startAndLook(request('restarted', 'exiting', 'always'));
    const seen: string[] = [];
    let after: LogMark | null = null;
    const read = async (follow: boolean) => {
      const { signal } = new AbortController();
      for await (const line of world.runtime.streamLog(id, { tail: 10, after, follow, signal })) {
        seen.push(line.text);
        after = line.mark ?? after;
      }
    };
    for (let restarts = 1; restarts <= 2; restarts += 1) {
      const reading = read(true);
      await world.until('another run', async () => ((await look('restarted'))?.restarts ?? 0) >= restarts);
      await reading;
    }
    await world.runtime.stop(id, 0);
    await read(false);
    const whole = await world.runtime.tailLog(id, 1000);
    expect(whole.length).toBeGreaterThanOrEqual(2 * 2);
    expect(seen).toEqual(whole);
  });

  test('a command inside tells how it ended', async () => {
    const { id } = await startAndLook(request('commands'));
    expect(await world.runtime.exec(id, ['/bin/true'], 5_000)).toMatchObject({ ok: true });
    const bad = await world.runtime.exec(id, ['/bin/false'], 5_000);
    expect(bad).toMatchObject({ ok: false, detail: '/bin/false → exit 1' });
  });

  test('an image’s HEALTHCHECK is told, and its absence', async () => {
    const checked = await startAndLook(request('checked', 'checked'));
    const plain = await startAndLook(request('plain'));
    expect(await world.runtime.imageHealthcheck(checked.id)).toEqual(['CMD', '/bin/true']);
    expect(await world.runtime.imageHealthcheck(plain.id)).toBeNull();
  });

  test('what is asked of a container that is gone is missing', async () => {
    const gone = '0123456789ab'.padEnd(64, '0');
    await expect(world.runtime.tailLog(gone, 5)).rejects.toMatchObject({ code: 'missing' });
    await expect(world.runtime.exec(gone, ['/bin/true'], 5_000)).rejects.toMatchObject({ code: 'missing' });
    await expect(world.runtime.imageHealthcheck(gone)).rejects.toMatchObject({ code: 'missing' });
  });

  test('a version that exists nowhere is a pull failure of the kind missing', async () => {
    const { signal } = new AbortController();
    const pull = {
      image: world.image,
      version: 'nowhere',
      policy: 'never',
      onProgress: () => undefined,
      signal,
    } as const;
    await expect(world.runtime.resolveImage(pull)).rejects.toMatchObject({
      code: 'image-pull',
      pull: 'missing',
    });
  });

  test('events name the service, the container and the exit code', async () => {
    const stop = new AbortController();
    const events: RuntimeEvent[] = [];
    const watching = world.runtime.events(world.prefix, (event) => events.push(event), stop.signal);
    await world.until('the stream’s first event', async () => {
      await world.runtime.start(request('knock')).catch(() => undefined);
      const knock = await look('knock');
      if (knock !== null) await world.runtime.remove(knock.id);
      return events.length > 0;
    });
    const { id } = await startAndLook(request('watched', 'exiting'));
    await world.until('its end', async () =>
      events.some((event) => event.containerId === id && event.kind === 'exit'),
    );
    await world.runtime.remove(id);
    await world.until('its removal', async () =>
      events.some((event) => event.containerId === id && event.kind === 'destroy'),
    );
    stop.abort();
    await watching;
    const own = events.filter((event) => event.containerId === id);
    expect(own.map(({ kind }) => kind)).toEqual(['start', 'exit', 'destroy']);
    expect(own.map(({ service }) => service)).toEqual(['watched', 'watched', 'watched']);
    expect(own[1]?.exitCode).toBe(3);
  });

  test('an image in use is never pruned', async () => {
    const found = await startAndLook(request('pruned'));
    const { reference } = world.resolved('steady');
    await world.runtime.pruneImages(world.image, [], [reference]);
    expect(await look('pruned')).toEqual(found);
    await world.runtime.remove(found.id);
    await world.runtime.start(request('pruned'));
  });
});
