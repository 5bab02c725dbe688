// The operator's words in the middle of a rollout: each is obeyed, by every strategy, and no request is lost. How a
// pause holds is in `strategy-pause`.
import { expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import type { StrategyType } from '../../strategies/model.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss, promoteToTheEnd } from './strategy-checks.ts';
import { furthestOf, MIDDLES, untilMiddle } from './strategy-middle.ts';

export function describeWords(strategy: StrategyType, given: Given): void {
  describeEndings(strategy, given);
  describeSuccessors(strategy, given);
  if (strategy === 'recreate' || strategy === 'rolling') describePromote(strategy, given);
}

function describeEndings(strategy: StrategyType, given: Given): void {
  const furthest = furthestOf(strategy);
  const aborts = MIDDLES[strategy].map((middle) => ({ word: 'abort', outcome: 'aborted', middle }) as const);
  const endings = [...aborts, { word: 'rollback', outcome: 'rolled-back', middle: furthest } as const];
  const cases = endings.map((ending) => ({ ...ending, where: ending.middle.what }));

  it.each(cases)('$word $where ends it as $outcome, and loses no request', async (ending) => {
    const service = await given('v1');
    await service.tune(ending.middle.tuning);
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, ending.middle);
    await service.command(ending.word);
    expect((await service.finish(requested)).outcome).toBe(ending.outcome);
    await expectAlone(service, 'v1');
    expect(await service.quarantined()).toEqual([]);
    expectNoLoss(await load.stop());
  });
}

function describeSuccessors(strategy: StrategyType, given: Given): void {
  const middle = furthestOf(strategy);

  it(`goes back to an older revision ${middle.what}`, async () => {
    const service = await given('v1');
    await service.succeed('v2');
    await service.tune(middle.tuning);
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, middle);
    await service.command('rollback 1');
    expect((await service.finish(requested)).outcome).toBe('superseded');
    const status = await service.until('v1', ({ rollout, stable }) => !rollout && stable?.version === 'v1');
    expect(status.last).toMatchObject({ kind: 'rollback', outcome: 'succeeded', revision: 1 });
    await expectAlone(service, 'v1');
    expectNoLoss(await load.stop());
  });

  it(`is superseded by a newer version ${middle.what}, and the first waiter learns it`, async () => {
    const service = await given('v1');
    await service.tune(middle.tuning);
    const load = startLoad(service.target);
    const waiter = service.release('late');
    await untilMiddle(service, load, middle);
    const requested = await service.ask('v3');
    expect((await waiter).code).toBe(4);
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'v3');
    expectNoLoss(await load.stop());
  });
}

/** Where no step waits for it: the others are promoted in every story. */
function describePromote(strategy: 'recreate' | 'rolling', given: Given): void {
  it('is not promoted before it bakes, and by it the bake is ended', async () => {
    const service = await given('v1');
    await service.tune({ monitor: '10m' });
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, MIDDLES[strategy][0]);
    const refused = await service.command('promote');
    expect(refused.message).toContain(`Refused: A ${strategy} rollout waits for no promotion here.`);
    await service.until('the bake', ({ phase }) => phase === 'monitoring');
    expect(await service.slipway.cli('promote', service.name)).toMatchObject({
      code: 0,
      stdout: `${service.name}: promote: Ending the bake.\n`,
    });
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    expect(await service.slipway.cli('promote', service.name)).toMatchObject({
      code: 1,
      stderr: `${service.name}: promote refused: Nothing to promote: no rollout is in progress.\n`,
    });
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });
}
