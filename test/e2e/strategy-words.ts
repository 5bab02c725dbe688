// The operator's words in the middle of a rollout: each is obeyed, by every strategy, and no request is lost.
import { describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import type { StrategyType } from '../../strategies/model.ts';
import type { ServiceOptions } from '../support/service.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss, promoteToTheEnd, untilMiddle } from './strategy-checks.ts';

/** Of each strategy, a rollout that stands in the middle until a word is said or two seconds have passed. */
const HELD: Readonly<Record<StrategyType, Partial<ServiceOptions>>> = {
  recreate: {},
  rolling: {},
  'blue-green': { tuning: { promotion: 'manual' } },
  canary: { tuning: { steps: [{ weight: 34 }, { pause: 'manual' }, { weight: 67 }, { pause: 'manual' }] } },
};

export function describeWords(strategy: StrategyType, given: Given): void {
  describe.each([
    ['abort', 'aborted'],
    ['rollback', 'rolled-back'],
  ] as const)('%s in the middle', (word, outcome) => {
    it(`ends the rollout as ${outcome} and loses no request`, async () => {
      const service = await given('v1', HELD[strategy]);
      const load = startLoad(service.target);
      const requested = await service.ask('late');
      await untilMiddle(service);
      await service.command(word);
      expect((await service.finish(requested)).outcome).toBe(outcome);
      await expectAlone(service, 'v1');
      expect(await service.quarantined()).toEqual([]);
      expectNoLoss(await load.stop());
    });
  });

  it('goes back to an older revision in the middle', async () => {
    const service = await given('v1', HELD[strategy]);
    expect((await promoteToTheEnd(service, await service.ask('v2'))).outcome).toBe('succeeded');
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service);
    await service.command('rollback 1');
    expect((await service.finish(requested)).outcome).toBe('superseded');
    const status = await service.until('v1', ({ rollout, stable }) => !rollout && stable?.version === 'v1');
    expect(status.last).toMatchObject({ kind: 'rollback', outcome: 'succeeded', revision: 1 });
    await expectAlone(service, 'v1');
    expectNoLoss(await load.stop());
  });

  it('pauses in the middle, resumes, is promoted, and loses no request', async () => {
    const service = await given('v1', HELD[strategy]);
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await service.until('the rollout', ({ candidate }) => candidate !== null);
    await service.command('pause');
    // A recreate that has begun to stop cannot stand still without an outage: it goes on, and pauses after.
    const paused = await service.until('the pause', ({ reason }) => reason === 'paused-by-operator');
    expect(paused.phase).toBe('paused');
    await service.command('resume');
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });

  it('is superseded by a newer version in the middle, and the first waiter learns it', async () => {
    const service = await given('v1', HELD[strategy]);
    const load = startLoad(service.target);
    const waiter = service.release('late');
    await untilMiddle(service);
    const requested = await service.ask('v3');
    expect((await waiter).code).toBe(4);
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'v3');
    expectNoLoss(await load.stop());
  });
}
