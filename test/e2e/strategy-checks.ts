// What the strategies' stories look at: where a rollout stands, what was lost, what is left.
import { expect } from 'vitest';
import type { LoadReport } from '../../scripts/load.ts';
import type { FinishedDocument, StatusDocument } from '../../src/cli/documents.ts';
import type { Service, ServiceOptions } from '../support/service.ts';
import type { Version } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

/** A service of the strategy under test that runs a version. */
export type Given = (version: Version, options?: Partial<ServiceOptions>) => Promise<Service>;

/** A bake that ends sooner is waited for. */
const LONG_BAKE_MS = 10_000;

/** Says `promote` wherever this request's rollout waits for it, or bakes for long, and returns what became of it. */
export async function promoteToTheEnd(service: Service, requested: number): Promise<FinishedDocument> {
  for (;;) {
    const { last } = await service.until(
      'a wait for promotion, or the end',
      (status) =>
        status.last?.requested === requested ||
        (status.rollout?.requested === requested && waitsForWord(status)),
    );
    if (last?.requested === requested) return last;
    await service.command('promote');
  }
}

function waitsForWord({ phase, reason, next }: StatusDocument): boolean {
  const isBaking = phase === 'monitoring' && next?.at != null;
  const isLong = isBaking && Date.parse(next.at) - Date.now() > LONG_BAKE_MS;
  return isLong || reason === 'waiting-for-promotion';
}

export function expectNoLoss(report: LoadReport): void {
  expect(countReasons(report)).toEqual({});
  expect(report.inFlight).toBe(0);
}

/** By what was asked and what went wrong, without what differs each time. */
function countReasons({ failures }: LoadReport): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { what, reason } of failures) {
    const kind = `${what}: ${reason.replace(/, request .*/, '')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/**
 * The load was what it is said to be: 200 requests a second, on kept connections and new ones, POSTs on both. While
 * requests park every connection is taken, so few are kept.
 */
export function expectLoad({ requests, seconds, byKind }: LoadReport): void {
  expect(requests / seconds).toBeGreaterThanOrEqual(200);
  expect((byKind['GET new'] + byKind['POST new']) / seconds).toBeGreaterThan(20);
  expect((byKind['GET kept'] + byKind['POST kept']) / seconds).toBeGreaterThan(10);
  expect(byKind['POST new'] / seconds).toBeGreaterThan(2);
  expect(byKind['POST kept'] / seconds).toBeGreaterThan(2);
}

export function expectEvidence(
  finished: FinishedDocument | null | undefined,
  wanted: readonly object[],
): void {
  const evidence = finished?.evidence ?? [];
  for (const each of wanted) expect(evidence).toContainEqual(expect.objectContaining(each));
  expect(evidence[0]).toHaveProperty('replica');
}

/** What failed is told in the status, barred, and refused when it is asked for again; what was stable before it is so still. */
export async function expectRefused(
  service: Service,
  finished: FinishedDocument | undefined,
  evidence: readonly object[],
): Promise<void> {
  expectEvidence(finished, evidence);
  expect(await service.quarantined()).toEqual([finished?.digest]);
  const status = await service.until('rest', ({ rollout }) => rollout === null);
  expect(status).toMatchObject({
    ...{ phase: 'idle', reason: 'quarantined', version: finished?.version },
    ...{ stable: { version: 'v2', revision: 1 }, candidate: null },
  });
  expect(status.last).toEqual(finished);
  const { revision } = status.last ?? {};
  expect((await service.release(finished?.version ?? '')).code).toBe(6);
  const again = await service.until('rest again', ({ rollout }) => rollout === null);
  expect(again).toMatchObject({ reason: 'quarantined', stable: { version: 'v2', revision: 1 } });
  expect((await service.history()).filter((each) => each.revision === revision)).toEqual([finished]);
}

/** Only the version's replicas stand, all ready, and the table names nothing else. */
export async function expectAlone(service: Service, version: string): Promise<void> {
  const status = await service.until(
    `${version} alone`,
    ({ stable, rollout }) =>
      rollout === null && stable?.version === version && stable.weight.effective === 100,
  );
  const revision = status.stable?.revision;
  await waitFor(`only revision ${revision}`, async () => {
    const all = await service.containers();
    return all.length === status.stable?.replicas.wanted && all.every((each) => each.revision === revision);
  });
  const route: unknown = JSON.parse(
    (await service.slipway.read(service.slipway.keys.route(service.name))) ?? '{}',
  );
  expect(route).toMatchObject({ split: { [String(revision)]: 100 } });
}
