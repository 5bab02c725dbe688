import { expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { readLogTail } from '../../deploy/evidence.ts';
import { Observer } from '../../deploy/observe.ts';
import type { CreateRequest } from '../../deploy/runtime.ts';
import { type Behaviour, FakeRuntime } from '../fakes/runtime.ts';
import { sampleRequest } from './sample-revision.ts';

function openWorld(behaviour: Behaviour, restart = 'always') {
  let now = 0;
  const runtime = new FakeRuntime({ now: () => now });
  const observer = new Observer(runtime, '/slipway');
  const stop = new AbortController();
  const watching = runtime.events('/slipway', (event) => observer.note(event), stop.signal);
  const resolved = runtime.addImage('shop/web', 'v1', behaviour);
  const request: CreateRequest = sampleRequest({ ...resolved, container: { restart } });
  return {
    runtime,
    observer,
    request,
    at: (ms: number) => {
      now = ms;
      runtime.tick();
    },
    end: async () => {
      stop.abort();
      await watching;
    },
  };
}

test('one that runs again after a crash still shows what it crashed with', async () => {
  const world = openWorld({ exitsAfterMs: 1_000, exitCode: 9 });
  await world.runtime.start(world.request);
  expect(await world.observer.observe('web')).toMatchObject([
    { state: 'running', exitCode: null, restarts: 0 },
  ]);
  world.at(1_500);
  expect(await world.observer.observe('web')).toMatchObject([{ state: 'restarting', exitCode: 9 }]);
  world.at(2_500);
  expect(await world.observer.observe('web')).toMatchObject([{ state: 'running', exitCode: 9, restarts: 1 }]);
  await world.end();
});

test('an out-of-memory kill stays known after the engine has restarted the container', async () => {
  const world = openWorld({ exitsAfterMs: 1_000, outOfMemory: true });
  await world.runtime.start(world.request);
  world.at(2_500);
  expect(await world.observer.observe('web')).toMatchObject([
    { state: 'running', outOfMemory: true, exitCode: 137 },
  ]);
  await world.end();
});

test('what was known goes with the container', async () => {
  const world = openWorld({ exitsAfterMs: 1_000, exitCode: 9 });
  await world.runtime.start(world.request);
  world.at(2_500);
  const [first] = await world.observer.observe();
  await world.runtime.remove(first?.id ?? '');
  world.observer.note({ kind: 'exit', service: 'web', containerId: 'long-gone', exitCode: 1 });
  expect(await world.observer.observe()).toEqual([]);
  await world.end();
});

test('an engine that is away is told as such, never as an empty world', async () => {
  const world = openWorld({});
  await world.runtime.start(world.request);
  world.runtime.goAway();
  await expect(world.observer.observe('web')).rejects.toMatchObject({ code: 'engine-unavailable' });
  await world.end();
});

test('the last words of a container are its last 50 lines, or why they could not be had', async () => {
  const log = Array.from({ length: 60 }, (_, line) => `line ${line}`);
  const world = openWorld({ log });
  await world.runtime.start(world.request);
  const [container] = await world.observer.observe('web');
  expect(await readLogTail(world.runtime, container?.id ?? '')).toEqual(log.slice(10));
  world.runtime.failNext('tailLog', new RuntimeFailure('timeout', 'no answer'));
  expect(await readLogTail(world.runtime, container?.id ?? '')).toEqual([
    '(its log could not be read: no answer)',
  ]);
  await world.end();
});
