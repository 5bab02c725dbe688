// What a rollout has come to, without what differs from one rollout to the next: two runs that ended the same way have
// the same text, whatever the service was called and whichever revisions it had come to before.
import type { RouteEntry } from '../../strategies/model.ts';
import type { Service } from '../support/service.ts';

export interface Asked {
  /** The etcd revision of the request. */
  readonly requested: number;
  readonly version: string;
  /** The revision that served when it was made. */
  readonly before: number;
  /** How much of the old stands when a version is found out to be sick is chance, and with it which numbers come back. */
  readonly isSick: boolean;
}

/** Null while the rollout goes on, or before it has begun. */
export async function describeEnd(
  service: Service,
  { requested, version, before, isSick }: Asked,
): Promise<string | null> {
  const { slipway, name } = service;
  const status = await slipway.status(name);
  const history = (await service.history()).filter((each) => each.requested >= requested);
  const finished = history.find((each) => each.requested === requested);
  if (finished === undefined || status === null || status.rollout !== null) return null;
  const nameRevision = (revision: number | null | undefined): string => {
    if (revision === finished.revision) return 'new';
    return revision === before ? 'old' : `r${revision}`;
  };
  const nameVersion = (given: string | null | undefined): string => (given === version ? 'new' : 'another');
  const route: RouteEntry = JSON.parse((await slipway.read(slipway.keys.route(name))) ?? 'null');
  const containers = (await service.containers())
    .map(({ name, revision, state }) => {
      const [, ordinal = ''] = /-r\d+-(\d+)\b/.exec(name) ?? [];
      return `${nameRevision(revision)} ${isSick ? 'some' : ordinal} ${state}`;
    })
    .sort();
  const { stable, candidate } = route.roles;
  return JSON.stringify({
    rollout: [nameVersion(finished.version), finished.outcome, finished.reason],
    rollouts: history.length,
    status: [status.phase, status.reason, status.candidate],
    stable: [nameVersion(status.stable?.version), nameRevision(status.stable?.revision)],
    serving: [status.stable?.replicas, status.stable?.weight],
    containers,
    split: Object.entries(route.split).map(([revision, weight]) => [nameRevision(Number(revision)), weight]),
    roles: [nameRevision(stable), candidate === null ? null : nameRevision(candidate)],
    coming: route.coming,
    targets: route.targets.map(({ revision }) => nameRevision(revision)).sort(),
    quarantined: (await service.quarantined()).length,
  });
}
