// Every kind of bad version: each strategy comes back from it, with the evidence.
import { expect, it } from 'vitest';
import { removeImages } from '../../scripts/images.ts';
import { startLoad } from '../../scripts/load.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { startRegistry } from '../contract/registry.ts';
import { QUICK_CHECK } from '../support/service.ts';
import { nameVersions, type Version } from '../support/versions.ts';
import type { Given } from './strategy-checks.ts';
import { crash, expectAlone, expectEvidence, expectNoLoss, expectOnlyInFlight } from './strategy-checks.ts';

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
    evidence: [{ exitCode: 3, log: ['fatal: refused to start, as told by EXIT_AT_ONCE'] }],
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
    const stable = (await service.slipway.status(service.name))?.stable?.digest;
    const load = startLoad(service.target);
    const verdict = await service.release(bad.version);
    const [finished] = (await service.history()).filter(({ version }) => version === bad.version);
    expect([verdict.code, finished?.outcome, finished?.reason]).toEqual([3, 'rolled-back', bad.reason]);
    expectEvidence(finished, bad.evidence);
    expect(await service.quarantined()).toEqual([finished?.digest]);
    const status = await service.until('rest', ({ rollout }) => rollout === null);
    expect(status).toMatchObject({
      ...{ phase: 'idle', reason: 'quarantined', version: bad.version },
      ...{ stable: { version: 'v2', digest: stable }, candidate: null, last: { id: finished?.id } },
    });
    expectEvidence(status.last, bad.evidence);
    expect((await service.release(bad.version)).code).toBe(6);
    await expectAlone(service, 'v2');
    const report = await load.stop();
    expectNoLoss(report);
    expect(Object.keys(report.byVersion)).toEqual(['v2']);
  });

  it('comes back from a version that gets ready and crashes in the bake window', async () => {
    const service = await given('v2');
    await service.tune({ monitor: '60s' });
    const load = startLoad(service.target);
    const requested = await service.ask('v3');
    await service.until('the bake', ({ phase }) => phase === 'monitoring');
    const crashedAt = await crash(service, 'v3');
    const finished = await service.finish(requested);
    expect(finished).toMatchObject({ outcome: 'rolled-back', reason: 'container-exited' });
    expectEvidence(finished, [
      { exitCode: 7, log: expect.arrayContaining(['fatal: crashed with code 7, as told by /crash']) },
    ]);
    expect(await service.quarantined()).toEqual([finished.digest]);
    await expectAlone(service, 'v2');
    expectOnlyInFlight(await load.stop(), crashedAt);
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
      const last = (await service.until('rest', ({ rollout }) => rollout === null)).last;
      expect(last).toMatchObject({ version: 'v9', outcome: 'rolled-back', reason: 'image-pull-failed' });
      expect(last?.message).toMatch(/missing: .*manifest.*unknown/s);
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
