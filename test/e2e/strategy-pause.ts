// A pause in the middle of a rollout holds: weights, table and containers stay as they are, longer than the rollout
// would have left them by itself, and traffic follows the weights; then it goes on to its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Load, startLoad } from '../../scripts/load.ts';
import type { StrategyType } from '../../strategies/model.ts';
import type { Service, SpecFields } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss, promoteToTheEnd } from './strategy-checks.ts';
import { BAKING, type Middle, PARKED, RISING, SHARING, STEPPING, untilMiddle } from './strategy-middle.ts';

/** Longer than anything that a rollout of these waits for by itself. */
const HELD_MS = 5_000;
const LOOK_MS = 200;
/** Between two looks that show the same, everything that was under way has come to rest. */
const REST_MS = 600;

interface Pause {
  readonly middle: Middle;
  /** What the candidate has there for as long as it is held, least and most: it has not gone on under the pause. */
  readonly share: readonly [number, number];
}

/** Of each strategy: where it is paused, and settings by which nothing there waits for a word. */
const PAUSES: Readonly<Record<StrategyType, { readonly tuning: SpecFields; readonly at: readonly Pause[] }>> =
  {
    // What has begun to stop cannot stand still without an outage: it goes on until the candidate serves, and holds then.
    recreate: { tuning: { monitor: '3s' }, at: [{ middle: PARKED, share: [100, 100] }] },
    rolling: { tuning: {}, at: [{ middle: SHARING, share: [25, 75] }] },
    'blue-green': {
      tuning: { monitor: '4s' },
      at: [
        { middle: RISING, share: [0, 0] },
        { middle: BAKING, share: [100, 100] },
      ],
    },
    canary: {
      tuning: { steps: [{ weight: 34 }, { pause: '4s' }, { weight: 67 }, { pause: '1s' }] },
      at: [{ middle: STEPPING, share: [34, 34] }],
    },
  };

export function describePause(strategy: StrategyType, given: Given): void {
  const { tuning, at } = PAUSES[strategy];
  const places = at.map(({ middle }) => middle.what).join(' and ');
  it(`holds when it is paused ${places}, goes on, and loses no request`, async () => {
    const service = await given('v1');
    await service.tune(tuning);
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    for (const pause of at) {
      await untilMiddle(service, load, pause.middle);
      await service.command('pause');
      await expectHeld(service, load, pause);
      await service.command('resume');
    }
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });
}

async function expectHeld(service: Service, load: Load, { share: [least, most] }: Pause): Promise<void> {
  const held = await untilAtRest(service);
  expect(held).toMatchObject({ phase: 'paused', reason: 'paused-by-operator' });
  const candidate = held.roles.find(({ version }) => version === 'late');
  expect(candidate?.weight).toBeGreaterThanOrEqual(least);
  expect(candidate?.weight).toBeLessThanOrEqual(most);
  const former = load.report().byVersion;
  for (const end = performance.now() + HELD_MS; performance.now() < end; await sleep(LOOK_MS)) {
    expect(await look(service)).toEqual(held);
  }
  const now = load.report().byVersion;
  const isServed = (version: string) => (now[version] ?? 0) > (former[version] ?? 0);
  for (const role of held.roles) expect([role, isServed(role.version)]).toEqual([role, role.weight > 0]);
}

/** Everything of it that a rollout moves. */
async function look(service: Service) {
  const { slipway, name } = service;
  const status = await slipway.status(name);
  const containers = await service.containers();
  const roles = [status?.stable, status?.candidate].flatMap((role) => role ?? []);
  return {
    phase: status?.phase,
    reason: status?.reason,
    step: status?.step,
    roles: roles.map(({ version, weight, replicas }) => ({ version, weight: weight.effective, replicas })),
    table: await slipway.read(slipway.keys.route(name)),
    containers: containers.map(({ id, state }) => `${id} ${state}`),
  };
}

/** Two looks are the same, and every replica that was begun is ready. */
async function untilAtRest(service: Service): Promise<Awaited<ReturnType<typeof look>>> {
  let last = '';
  return await waitFor(
    `${service.name} at rest in the pause`,
    async () => {
      const seen = await look(service);
      const isSame = JSON.stringify(seen) === last;
      last = JSON.stringify(seen);
      const total = seen.roles.reduce((sum, { replicas }) => sum + replicas.ready, 0);
      return isSame && total === seen.containers.length ? seen : null;
    },
    { timeoutMs: 60_000, intervalMs: REST_MS },
  );
}
