import { describe, expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { computePullDelay, ImageResolver, NO_RETRY } from '../../deploy/image.ts';
import type { PullRequest } from '../../deploy/runtime.ts';
import type { PullFailureKind } from '../../strategies/model.ts';

/** A registry by hand: each pull waits for `answer` or `fail`. */
function openWorld() {
  let now = 1_000;
  const stop = new AbortController();
  const networks = new Set<string>();
  const pulls: { readonly request: PullRequest; readonly settle: PromiseWithResolvers<string> }[] = [];
  const changes: string[] = [];
  const images = new ImageResolver({
    runtime: {
      requireNetworks: async (names) => {
        const missing = names.find((name) => !networks.has(name));
        if (missing !== undefined) throw new RuntimeFailure('network-missing', `no network ${missing}`);
      },
      resolveImage: async (request) => {
        const settle = Promise.withResolvers<string>();
        pulls.push({ request, settle });
        request.signal.addEventListener('abort', () =>
          settle.reject(new RuntimeFailure('cancelled', 'cancelled')),
        );
        const digest = await settle.promise;
        return { digest, reference: `${request.image}@${digest}` };
      },
    },
    now: () => now,
    random: () => 0.5,
    onChange: (id) => changes.push(id),
    signal: stop.signal,
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const last = () => {
    const pull = pulls.at(-1);
    if (pull === undefined) throw new Error('nothing was pulled');
    return pull;
  };
  return {
    images,
    networks,
    pulls,
    changes,
    stop,
    turn,
    last,
    ask: async (id = 'web-1', version = 'v1', wanted: readonly string[] = []) => {
      images.resolve({ id, image: 'shop/web', version, policy: 'missing', networks: wanted });
      await turn();
    },
    answer: async (digest: string) => {
      last().settle.resolve(digest);
      await turn();
    },
    fail: async (pull: PullFailureKind) => {
      last().settle.reject(new RuntimeFailure('image-pull', `it is ${pull}`, { pull }));
      await turn();
    },
    sleep: (ms: number) => {
      now += ms;
    },
  };
}

describe('the image resolver', () => {
  test('resolves once, and stays at that digest', async () => {
    const world = openWorld();
    expect(world.images.state('web-1')).toEqual({ kind: 'absent' });
    await world.ask();
    await world.ask();
    expect(world.images.state('web-1')).toEqual({ kind: 'pulling', progress: '', changedAt: 1_000 });
    await world.answer('sha256:1');
    await world.ask();
    expect(world.pulls).toHaveLength(1);
    expect(world.images.states()).toEqual({
      'web-1': { kind: 'resolved', digest: 'sha256:1', reference: 'shop/web@sha256:1' },
    });
    expect(world.changes).toEqual(['web-1', 'web-1']);
  });

  test('two rollouts of one image pull one after the other; of two images, together', async () => {
    const world = openWorld();
    await world.ask('a');
    await world.ask('b');
    await world.ask('c', 'v2');
    expect(world.pulls.map(({ request }) => request.version)).toEqual(['v1', 'v2']);
    world.pulls[0]?.settle.resolve('sha256:1');
    await world.turn();
    expect(world.pulls.map(({ request }) => request.version)).toEqual(['v1', 'v2', 'v1']);
    world.pulls[1]?.settle.resolve('sha256:2');
    await world.answer('sha256:1');
    await world.images.settled();
    expect(Object.values(world.images.states()).map(({ kind }) => kind)).toEqual([
      'resolved',
      'resolved',
      'resolved',
    ]);
  });

  test('progress is kept line by line and announced once a second', async () => {
    const world = openWorld();
    await world.ask();
    world.last().request.onProgress('pulling 10 %');
    world.sleep(1_000);
    world.last().request.onProgress('pulling 20 %');
    world.last().request.onProgress('pulling 20 %');
    expect(world.images.state('web-1')).toEqual({
      kind: 'pulling',
      progress: 'pulling 20 %',
      changedAt: 2_000,
    });
    expect(world.changes).toEqual(['web-1', 'web-1']);
  });

  test('missing: three tries within 15 s, then never again until it is forgotten', async () => {
    const world = openWorld();
    for (const attempts of [1, 2, 3]) {
      await world.ask();
      await world.fail('missing');
      expect(world.images.state('web-1')).toMatchObject({
        kind: 'failed',
        failure: 'missing',
        message: 'it is missing',
        attempts,
        firstAt: 1_000,
        retryAt: attempts === 3 ? NO_RETRY : 1_000 + attempts * 4_500,
      });
      await world.ask();
      expect(world.pulls).toHaveLength(attempts);
      world.sleep(4_500);
    }
    world.sleep(1e9);
    await world.ask();
    expect(world.pulls).toHaveLength(3);
    world.images.forget('web-1');
    await world.ask();
    expect(world.pulls).toHaveLength(4);
  });

  test('another kind of failure counts anew; success ends it', async () => {
    const world = openWorld();
    await world.ask();
    await world.fail('missing');
    world.sleep(10_000);
    await world.ask();
    await world.fail('rate-limit');
    expect(world.images.state('web-1')).toMatchObject({
      failure: 'rate-limit',
      attempts: 1,
      firstAt: 11_000,
    });
    world.sleep(10_000);
    await world.ask();
    await world.answer('sha256:1');
    expect(world.images.state('web-1').kind).toBe('resolved');
  });

  test('an engine that is away is retried as the network is', async () => {
    const world = openWorld();
    await world.ask();
    world.last().settle.reject(new RuntimeFailure('engine-unavailable', 'connect ENOENT'));
    await world.turn();
    expect(world.images.state('web-1')).toMatchObject({ kind: 'failed', failure: 'network', retryAt: 2_500 });
  });

  test('nothing is pulled while a network is missing: it is looked for again', async () => {
    const world = openWorld();
    await world.ask('web-1', 'v1', ['backend']);
    expect(world.images.state('web-1')).toMatchObject({
      ...{ kind: 'failed', failure: 'network-missing', message: 'no network backend', retryAt: 2_500 },
    });
    world.networks.add('backend');
    world.sleep(1_500);
    await world.ask('web-1', 'v1', ['backend']);
    await world.answer('sha256:1');
    expect(world.images.state('web-1').kind).toBe('resolved');
  });

  test('what the policy refuses is refused for good after three tries', async () => {
    const world = openWorld();
    for (const attempts of [1, 2, 3]) {
      await world.ask();
      world.last().settle.reject(new RuntimeFailure('policy-refused', 'networks: c0ffee is host'));
      await world.turn();
      expect(world.images.state('web-1')).toMatchObject({ kind: 'failed', failure: 'refused', attempts });
      world.sleep(5_000);
    }
    await world.ask();
    expect(world.pulls).toHaveLength(3);
  });

  test('forgetting cancels the pull, and its answer no longer counts', async () => {
    const world = openWorld();
    await world.ask();
    const { signal } = world.last().request;
    world.images.forget('web-1');
    expect(signal.aborted).toBe(true);
    await world.images.settled();
    expect(world.images.state('web-1')).toEqual({ kind: 'absent' });
  });

  test('after the end nothing begins, and what ran is cancelled', async () => {
    const world = openWorld();
    await world.ask();
    world.stop.abort();
    await world.images.settled();
    await world.ask('web-2');
    expect(world.pulls).toHaveLength(1);
    expect(world.images.states()).toEqual({});
  });
});

test.each([
  ['missing', 1, 0, 4_000],
  ['missing', 2, 1, 5_000],
  ['missing', 3, 0, null],
  ['authentication', 3, 0, null],
  ['refused', 3, 0, null],
  ['network', 1, 0, 1_000],
  ['network', 1, 1, 2_000],
  ['network', 3, 0, 4_000],
  ['rate-limit', 6, 1, 60_000],
  ['space', 100, 0, 30_000],
] as const)(
  '%s, failed %i times, random %d: the next try after %s ms',
  (failure, attempts, random, delay) => {
    expect(computePullDelay(failure, attempts, random)).toBe(delay);
  },
);
