// What a rollout has come to, without what differs from one service to the next: two runs that ended the same way have
// the same text.
import type { RouteEntry } from '../../strategies/model.ts';
import type { Service } from '../support/service.ts';

/** Null while the rollout goes on, or before it has begun. */
export async function describeEnd(service: Service, requested: number): Promise<string | null> {
  const { slipway, name } = service;
  const status = await slipway.status(name);
  const history = await service.history();
  const finished = history.find((each) => each.requested === requested);
  if (finished === undefined || status === null || status.rollout !== null) return null;
  const route: RouteEntry = JSON.parse((await slipway.read(slipway.keys.route(name))) ?? 'null');
  const containers = (await service.containers()).map(
    (each) => `${each.name.replace(/^.*-(r\d+-\d+)\b.*$/, '$1')} ${each.state}`,
  );
  return JSON.stringify({
    rollout: [finished.version, finished.outcome, finished.reason, `r${finished.revision}`],
    rollouts: history.length,
    status: [status.phase, status.reason, status.candidate],
    stable: [status.stable?.version, status.stable?.revision, status.stable?.replicas, status.stable?.weight],
    containers,
    table: [route.split, route.roles, route.coming, route.targets.map(({ revision }) => `r${revision}`)],
    quarantined: (await service.quarantined()).length,
  });
}
