// The engine's API when connections break: nothing hangs, nothing is believed that was cut, events come back.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DockerRuntime } from '../../deploy/docker.ts';
import type { RuntimeEvent } from '../../deploy/runtime.ts';
import { sampleRequest } from '../deploy/sample-revision.ts';
import { waitFor } from '../support/wait.ts';
import { type EngineTap, openEngineTap } from './engine-tap.ts';
import { openDockerWorld, type RuntimeWorld } from './runtime-worlds.ts';

describe('the Docker adapter behind a breaking connection', () => {
  let world: RuntimeWorld;
  let tap: EngineTap;
  let runtime: DockerRuntime;
  const calls: string[] = [];

  beforeAll(async () => {
    world = await openDockerWorld();
  });
  afterAll(async () => {
    await world.close();
  });
  beforeEach(async () => {
    tap = await openEngineTap();
    calls.length = 0;
    runtime = new DockerRuntime({
      endpoint: { kind: 'unix', path: tap.path },
      controlTimeoutMs: 1_500,
      onCall: (action, outcome, seconds) => calls.push(`${action} ${outcome} ${seconds >= 0}`),
    });
  });
  afterEach(async () => {
    runtime.close();
    await tap.close();
  });

  const request = (service: string) => {
    const { prefix, image } = world;
    return sampleRequest({ prefix, service, image, ...world.resolved('steady') });
  };

  test('a pooled socket that died is replaced unseen', async () => {
    await runtime.info();
    tap.cutAll();
    expect(await runtime.list(world.prefix)).toEqual([]);
    tap.cutAll();
    expect(await runtime.list(world.prefix)).toEqual([]);
    expect(calls.every((call) => / ok true$/.test(call))).toBe(true);
  });

  test('a reply cut in its middle is a failure, never a hang', async () => {
    await runtime.info();
    tap.truncate(/GET \S*\/containers\/json/, 60, 'stall');
    await expect(runtime.list(world.prefix)).rejects.toMatchObject({
      code: 'timeout',
      disposition: 'transient',
    });
    tap.truncate(/GET \S*\/containers\/json/, 400, 'end');
    await expect(runtime.list(`${world.prefix}-none`)).resolves.toEqual([]);
    tap.truncate(/GET \S*\/info/, 300, 'end');
    await expect(runtime.info()).rejects.toMatchObject({ disposition: 'transient' });
    expect(calls).toContain('list failed true');
  });

  test('an engine that is away is unavailable, and there again when it is back', async () => {
    await runtime.info();
    tap.refuse();
    await expect(runtime.list(world.prefix)).rejects.toMatchObject({
      code: 'engine-unavailable',
      reason: 'engine-unavailable',
    });
    tap.accept();
    expect(await runtime.list(world.prefix)).toEqual([]);
  });

  test('events of the time away are told after the return, and `reconnected` with them', async () => {
    const stop = new AbortController();
    const events: RuntimeEvent[] = [];
    const watching = runtime.events(world.prefix, (event) => events.push(event), stop.signal);
    await world.runtime.start(request('away'));
    await waitFor('the first event', () => events.some(({ kind }) => kind === 'start'));
    tap.refuse();
    const [container] = await world.runtime.list(world.prefix, 'away');
    await world.runtime.remove(container?.id ?? '');
    tap.accept();
    await waitFor('the missed event', () => events.some(({ kind }) => kind === 'destroy'));
    stop.abort();
    await watching;
    const kinds = events.map(({ kind }) => kind);
    expect(kinds[0]).toBe('start');
    expect(kinds.indexOf('reconnected')).toBeGreaterThan(0);
    expect(kinds.filter((kind) => kind === 'start')).toHaveLength(1);
    expect(kinds.indexOf('destroy')).toBeGreaterThan(kinds.indexOf('reconnected'));
  });

  test('a watch that begins while the engine is away begins when it is there', async () => {
    tap.refuse();
    const stop = new AbortController();
    const events: RuntimeEvent[] = [];
    const watching = runtime.events(world.prefix, (event) => events.push(event), stop.signal);
    await waitFor('a try', () => tap.connections() > 0);
    tap.accept();
    await waitFor('the stream', () => events.some(({ kind }) => kind === 'reconnected'));
    stop.abort();
    await watching;
  });

  test('a followed log whose connection is cut ends in a failure', async () => {
    await world.runtime.start(request('cutlog'));
    const [container] = await world.runtime.list(world.prefix, 'cutlog');
    const stop = new AbortController();
    const read = async () => {
      const options = { tail: 10, follow: true, signal: stop.signal };
      for await (const { text } of runtime.streamLog(container?.id ?? '', options))
        if (text === 'three') tap.cutAll();
    };
    await expect(read()).rejects.toMatchObject({ code: 'engine-unavailable' });
  });

  test('a socket that does not exist says where it looked', async () => {
    const nowhere = new DockerRuntime({ endpoint: { kind: 'unix', path: '/nonexistent/docker.sock' } });
    await expect(nowhere.info()).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringContaining('unix:///nonexistent/docker.sock'),
    });
    nowhere.close();
  });
});
