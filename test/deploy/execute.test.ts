import { describe, expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { Executor } from '../../deploy/execute.ts';
import { computeRetryDelay } from '../../deploy/troubles.ts';
import type { Action } from '../../strategies/model.ts';
import { FakeRuntime } from '../fakes/runtime.ts';
import { sampleRevision } from './sample-revision.ts';

function openWorld() {
  const state = { now: 1_000, term: 1 };
  const runtime = new FakeRuntime({ now: () => state.now });
  const done: string[] = [];
  const resolved: string[] = [];
  const wakes: number[] = [];
  const ended: string[] = [];
  const executor = new Executor({
    runtime,
    images: { resolve: ({ id }) => resolved.push(id) },
    prefix: '/slipway',
    now: () => state.now,
    takePermit: () => {
      const { term } = state;
      return () => term !== 0 && state.term === term;
    },
    onDone: (service) => done.push(service),
    onEnded: (_, kind, name) => ended.push(`${kind} ${name}`),
    schedule: (delayMs) => wakes.push(delayMs),
  });
  const revision = sampleRevision(runtime.addImage('shop/web', 'v1'));
  const start = (ordinal = 1): Action => ({ kind: 'start', name: `web-r1-${ordinal}`, revision, ordinal });
  const find = async (name: string) => (await runtime.list('/slipway')).find((one) => one.name === name);
  return {
    state,
    runtime,
    executor,
    done,
    resolved,
    wakes,
    ended,
    start,
    find,
    run: async (...actions: Action[]) => {
      executor.execute('web', actions);
      await executor.settled();
    },
    stop: async (name: string): Promise<Action> => ({
      kind: 'stop',
      name,
      id: (await find(name))?.id ?? '',
      graceMs: 10,
    }),
  };
}

describe('the executor', () => {
  test('starts a replica under its identity, and tells the service when it is done', async () => {
    const world = openWorld();
    await world.run(world.start(2));
    expect(await world.find('web-r1-2')).toMatchObject({
      service: 'web',
      revision: 1,
      ordinal: 2,
      state: 'running',
    });
    expect(world.done).toEqual(['web']);
    expect(world.executor.troubles('web')).toEqual([]);
  });

  test('asked twice, it acts once; names do not wait for each other', async () => {
    const world = openWorld();
    world.executor.execute('web', [world.start(1), world.start(2)]);
    world.executor.execute('web', [world.start(1)]);
    await world.executor.settled();
    expect(world.runtime.calls).toEqual(['start web-r1-1', 'start web-r1-2']);
  });

  test('a stop is a stop and then a removal, and shows as stopping meanwhile', async () => {
    const world = openWorld();
    await world.run(world.start());
    const stop = await world.stop('web-r1-1');
    world.executor.execute('web', [stop]);
    world.executor.execute('web', [stop, world.start()]);
    expect([...world.executor.stopping('web')]).toEqual(['web-r1-1']);
    expect([...world.executor.stopping('other')]).toEqual([]);
    await world.executor.settled();
    expect([...world.executor.stopping('web')]).toEqual([]);
    expect(world.runtime.calls).toEqual(['start web-r1-1', 'stop web-r1-1', 'remove web-r1-1']);
    expect(await world.find('web-r1-1')).toBeUndefined();
  });

  test('images are the resolver’s', async () => {
    const world = openWorld();
    await world.run({
      kind: 'resolve-image',
      networks: [],
      id: 'web-1',
      image: 'shop/web',
      version: 'v1',
      policy: 'missing',
    });
    expect(world.resolved).toEqual(['web-1']);
  });

  test.each([
    ['start', ['web-r1-4']],
    ['stop', ['web-r1-1', 'web-r1-3', 'web-r1-4']],
    ['remove', ['web-r1-2', 'web-r1-3', 'web-r1-4']],
  ] as const)('when `%s` fails, the rest of the batch goes on', async (call, expected) => {
    const world = openWorld();
    await world.run(world.start(1), world.start(2));
    const [first, second] = [await world.find('web-r1-1'), await world.find('web-r1-2')];
    world.runtime.failNext(call, new RuntimeFailure('no-space', 'the disk is full'));
    await world.run(
      { kind: 'stop', name: 'web-r1-1', id: first?.id ?? '', graceMs: 10 },
      { kind: 'remove', name: 'web-r1-2', id: second?.id ?? '' },
      world.start(3),
      world.start(4),
    );
    const troubles = world.executor.troubles('web');
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatchObject({
      reason: 'no-space',
      message: 'the disk is full',
      attempts: 1,
      at: 1_000,
    });
    const left = (await world.runtime.list('/slipway')).map(({ name }) => name);
    expect(left).toEqual(expected);
  });

  test('a failed start is not tried again before its back-off is over, which doubles', async () => {
    const world = openWorld();
    const full = new RuntimeFailure('port-conflict', 'port is already allocated');
    world.runtime.failNext('start', full, 2);
    await world.run(world.start());
    expect(world.executor.troubles('web')).toEqual([
      {
        subject: 'web-r1-1',
        action: 'start',
        reason: 'port-conflict',
        message: full.message,
        attempts: 1,
        at: 1_000,
      },
    ]);
    await world.run(world.start());
    expect(world.runtime.calls).toHaveLength(1);
    world.state.now += 200;
    await world.run(world.start());
    expect(world.executor.troubles('web')).toMatchObject([{ attempts: 2, at: 1_200 }]);
    expect(world.wakes).toEqual([200, 400]);
    world.state.now += 400;
    await world.run(world.start());
    expect(world.executor.troubles('web')).toEqual([]);
    expect(await world.find('web-r1-1')).toMatchObject({ state: 'running' });
  });

  test('another action on the name does not wait for the back-off, and ends the trouble', async () => {
    const world = openWorld();
    await world.run(world.start());
    world.runtime.failNext('stop', new RuntimeFailure('timeout', 'no answer'));
    await world.run(await world.stop('web-r1-1'));
    expect(world.executor.troubles('web')).toMatchObject([{ action: 'stop', reason: 'engine-unavailable' }]);
    await world.run({ kind: 'remove', name: 'web-r1-1', id: (await world.find('web-r1-1'))?.id ?? '' });
    expect(world.executor.troubles('web')).toEqual([]);
  });

  test('troubles are a service’s own, and forgotten on demand', async () => {
    const world = openWorld();
    world.runtime.failNext('start', new RuntimeFailure('policy-refused', 'no'));
    await world.run(world.start());
    expect(world.executor.troubles('other')).toEqual([]);
    world.executor.forgetTroubles('web');
    expect(world.executor.troubles('web')).toEqual([]);
  });

  test('without the permit nothing begins, and a stop under way leaves the removal to the next leader', async () => {
    const world = openWorld();
    await world.run(world.start());
    const stop = await world.stop('web-r1-1');
    world.executor.execute('web', [stop]);
    world.state.term = 0;
    await world.run(world.start(2));
    expect(world.runtime.calls).toEqual(['start web-r1-1', 'stop web-r1-1']);
    expect(await world.find('web-r1-1')).toMatchObject({ state: 'exited' });
  });

  test('an action of one term is not gone on with in the next, and leaves no trouble behind', async () => {
    const world = openWorld();
    await world.run(world.start());
    const stop = await world.stop('web-r1-1');
    world.runtime.failNext('start', new RuntimeFailure('timeout', 'no answer'));
    world.executor.execute('web', [stop, world.start(2)]);
    world.state.term = 2;
    await world.executor.settled();
    expect(world.runtime.calls).toEqual(['start web-r1-1', 'stop web-r1-1', 'start web-r1-2']);
    expect(await world.find('web-r1-1')).toMatchObject({ state: 'exited' });
    expect(world.executor.troubles('web')).toEqual([]);
    expect(world.ended).toEqual(['start web-r1-1']);
  });

  test('a container that vanishes under a start is an engine error with its words', async () => {
    const world = openWorld();
    world.runtime.failNext('start', new RuntimeFailure('missing', 'x'));
    await world.run(world.start());
    expect(world.executor.troubles('web')).toMatchObject([{ reason: 'engine-error', message: 'x' }]);
  });
});

test.each([
  [1, 200],
  [2, 400],
  [5, 3_200],
  [8, 20_000],
  [1_000, 20_000],
])('after %i failures the next try is %i ms away', (attempts, delay) => {
  expect(computeRetryDelay(attempts)).toBe(delay);
});
