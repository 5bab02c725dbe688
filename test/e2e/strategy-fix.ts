// A stable version that is broken for good: whatever heals it is sick, too. Its fix is released all the same, by every
// strategy, past gates that would protect what works; and requests that came meanwhile are answered by the fix.
import { expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import type { StatusDocument } from '../../src/cli/documents.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { removeVolume } from '../support/containers.ts';
import { uniqueName } from '../support/names.ts';
import { callReplica } from '../support/replica.ts';
import { QUICK_CHECK, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss } from './strategy-checks.ts';
import { MIDDLES } from './strategy-middle.ts';

const CHECK = { ...QUICK_CHECK, start_period: '1s' };

export function describeFix(strategy: StrategyType, given: Given): void {
  it('releases the fix of a stable version that is broken and stays so, and answers what waited', async () => {
    const volume = uniqueName('state');
    const spec = { replicas: 2, healthcheck: CHECK, volumes: [`${volume}:/state`] };
    const service = await given('fragile', { spec, tuning: MIDDLES[strategy][0].tuning });
    try {
      const [first] = await service.containers();
      await callReplica(first?.id ?? '', '/file?path=/state/sick', 'PUT');
      await service.until('nothing ready', ({ stable }) => stable?.replicas.ready === 0);
      await untilHealedInVain(service, first?.id ?? '');
      const load = startLoad({ ...service.target, perSecond: 50 });
      await waitFor('requests that wait', () => load.report().inFlight > 50);
      const requested = await service.ask('v2');
      const broken = await collectUntil(service, ({ last }) => last?.requested === requested);
      expect(broken.map(({ stable }) => stable?.replicas.ready)).toEqual(broken.map(() => 0));
      expect((await service.finish(requested)).outcome).toBe('succeeded');
      await expectAlone(service, 'v2');
      const report = await load.stop();
      expectNoLoss(report);
      expect(Object.keys(report.byVersion)).toEqual(['v2']);
      await service.retire();
    } finally {
      await removeVolume(volume);
    }
  });
}

/** Another container stands in the place of the first one, and is no better. */
async function untilHealedInVain(service: Service, former: string): Promise<void> {
  await waitFor('a replacement', async () => {
    const all = await service.containers();
    return all.length > 0 && all.every(({ id }) => id !== former);
  });
}

/** Every status until then in which the version that breaks is still the stable one. */
async function collectUntil(
  service: Service,
  isOver: (status: StatusDocument) => boolean,
): Promise<readonly StatusDocument[]> {
  const seen: StatusDocument[] = [];
  await service.until('the end', (status) => {
    if (status.stable?.version === 'fragile') seen.push(status);
    return isOver(status);
  });
  expect(seen.length).toBeGreaterThan(0);
  return seen;
}
