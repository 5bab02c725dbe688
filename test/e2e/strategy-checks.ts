// What the strategies' stories look at: where a rollout stands, what was lost, what is left.
import Docker from 'dockerode';
import { expect } from 'vitest';
import type { LoadReport } from '../../scripts/load.ts';
import type { FinishedDocument } from '../../src/cli/documents.ts';
import type { Service, ServiceOptions } from '../support/service.ts';
import type { Version } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

/** A service of the strategy under test that runs a version. */
export type Given = (version: Version, options?: Partial<ServiceOptions>) => Promise<Service>;

export async function untilMiddle(service: Service): Promise<void> {
  await service.until('a candidate that starts', ({ candidate }) => (candidate?.replicas.total ?? 0) > 0);
}

/** Says `promote` wherever this request's rollout waits for it, and returns what became of it. */
export async function promoteToTheEnd(service: Service, requested: number): Promise<FinishedDocument> {
  for (;;) {
    const { last } = await service.until(
      'a wait for promotion, or the end',
      ({ reason, rollout, last }) =>
        last?.requested === requested ||
        (rollout?.requested === requested && reason === 'waiting-for-promotion'),
    );
    if (last?.requested === requested) return last;
    await service.command('promote');
  }
}

/** From inside, as a program crashes: at one replica of the version. Returns when, in milliseconds since the epoch. */
export async function crash(service: Service, version: string): Promise<number> {
  const status = await service.slipway.status(service.name);
  const revision = [status?.candidate, status?.stable].find((role) => role?.version === version)?.revision;
  const [first] = (await service.containers()).filter((each) => each.revision === revision);
  if (first === undefined) throw new Error(`no container of ${version}`);
  const { NetworkSettings } = await new Docker().getContainer(first.id).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  await fetch(`http://${network?.IPAddress}:8080/crash?code=7`).catch(() => undefined);
  return Date.now();
}

export function expectNoLoss(report: LoadReport): void {
  expect(countReasons(report)).toEqual({});
  expect(report.inFlight).toBe(0);
}

/** By what was asked and what went wrong, without what differs each time. */
export function countReasons({ failures }: LoadReport): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { what, reason } of failures) {
    const kind = `${what}: ${reason.replace(/, request .*/, '')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Until the proxy has seen that the connections of a crashed replica are closed, it may send on one of them. */
const UNSEEN_MS = 100;

/** What a replica that crashed had in its hands is lost with it, where it must not be sent twice; nothing else may be. */
export function expectOnlyInFlight(report: LoadReport, crashedAt: number): void {
  const lost = report.failures.filter(({ what, reason, sentAt }) => {
    const isUnrepeatable = what === 'POST /echo' && /^status 502|^cut off/.test(reason);
    return !isUnrepeatable || sentAt > crashedAt + UNSEEN_MS;
  });
  expect(lost).toEqual([]);
}

export function expectEvidence(
  finished: FinishedDocument | null | undefined,
  wanted: readonly object[],
): void {
  const evidence = finished?.evidence ?? [];
  for (const each of wanted) expect(evidence).toContainEqual(expect.objectContaining(each));
  expect(evidence[0]).toHaveProperty('replica');
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
