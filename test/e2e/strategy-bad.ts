// Versions that are bad from the start: each strategy comes back from them, with the evidence. One that goes bad later
// is in `strategy-crash`.
import { expect, it } from 'vitest';
import { removeImages } from '../../scripts/images.ts';
import { startLoad } from '../../scripts/load.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { startRegistry } from '../contract/registry.ts';
import { QUICK_CHECK } from '../support/service.ts';
import { nameVersions, type Version } from '../support/versions.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss, expectRefused } from './strategy-checks.ts';

interface BadVersion {
  readonly what: string;
  readonly version: Version;
  readonly reason: string;
  readonly evidence: readonly object[];
}

const BAD: readonly BadVersion[] = [
  {
    what: 'exits at once',
    version: 'exits',
    reason: 'container-exited',
    // A line for each of its runs.
    evidence: [
      { exitCode: 3, log: expect.arrayContaining(['fatal: refused to start, as told by EXIT_AT_ONCE']) },
    ],
  },
  {
    what: 'never gets ready',
    version: 'never',
    reason: 'probe-failed',
    evidence: [{ probe: expect.stringContaining('503'), log: ['version never listens on 8080'] }],
  },
  {
    what: 'answers its probe with 500',
    version: 'refuses',
    reason: 'probe-failed',
    evidence: [{ probe: expect.stringContaining('500'), log: ['version refuses listens on 8080'] }],
  },
];

export function describeBad(strategy: StrategyType, given: Given): void {
  it.each(BAD)('comes back from a version that $what, and refuses it the next time', async (bad) => {
    const service = await given('v2', { spec: { healthcheck: QUICK_CHECK } });
    const load = startLoad(service.target);
    const verdict = await service.release(bad.version);
    const [finished] = (await service.history()).filter(({ version }) => version === bad.version);
    expect([verdict.code, finished?.outcome, finished?.reason]).toEqual([3, 'rolled-back', bad.reason]);
    await expectRefused(service, finished, bad.evidence);
    await expectAlone(service, 'v2');
    const report = await load.stop();
    expectNoLoss(report);
    expect(Object.keys(report.byVersion)).toEqual(['v2']);
  });

  it('refuses a version that does not exist before anything is stopped', async () => {
    const registry = await startRegistry();
    const image = `${registry.host}/${strategy}`;
    const names = await nameVersions(image, 'v2');
    try {
      const service = await given('v2', { image });
      const before = (await service.containers()).map(({ id }) => id);
      const load = startLoad(service.target);
      expect((await service.release('v9')).code).toBe(3);
      const { last, stable } = await service.until('rest', ({ rollout }) => rollout === null);
      expect(last).toMatchObject({ version: 'v9', outcome: 'rolled-back', reason: 'image-pull-failed' });
      expect(last?.message).toMatch(/missing: .*manifest.*unknown/s);
      expect((await service.history()).filter(({ version }) => version === 'v9')).toEqual([last]);
      expect(stable).toMatchObject({ version: 'v2', replicas: { ready: 3 }, weight: { effective: 100 } });
      expectNoLoss(await load.stop());
      expect((await service.containers()).map(({ id }) => id)).toEqual(before);
      expect(await service.quarantined()).toEqual([]);
      await service.retire();
    } finally {
      await removeImages(names);
      await registry.close();
    }
  });
}
