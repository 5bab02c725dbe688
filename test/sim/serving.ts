// That what serves is enough: as many ready replicas in the table as the budget leaves, and somebody whenever one could.
import { computeOwnBudget, computeRollbackBudget } from '../../strategies/budget.ts';
import type { Observed, Plan, Replica, Rollout, RouteEntry, ServiceSpec } from '../../strategies/model.ts';
import { breach } from './breach.ts';
import type { Checked } from './checked.ts';

export function isReady({ state, stopping, probe }: Replica): boolean {
  return state === 'running' && !stopping && probe.readySince !== null;
}

/** Ready replicas that take traffic by this entry. */
function countServing(observed: Observed, route: RouteEntry): number {
  return route.targets.filter(({ revision, address }) => {
    const replica = observed.replicas.find((r) => r.revision === revision && r.address === address);
    return replica !== undefined && isReady(replica) && (route.split[revision] ?? 0) > 0;
  }).length;
}

export function checkServing(world: Checked, observed: Observed, plan: Plan, route: RouteEntry): void {
  const { spec } = world;
  // A port that is given up, or not had by every revision yet, is an operator's own outage.
  const isGivenUp = [spec, ...observed.revisions].some(({ settings }) => settings.port === null);
  const isExempt =
    isGivenUp ||
    spec.strategy.type === 'recreate' ||
    plan.report.phase === 'retiring' ||
    isEndingWithNothing(plan);
  const before = observed.route === null ? 0 : countServing(observed, observed.route.value);
  const after = countServing(observed, route);
  if (isExempt || after >= before) return;
  const floor = spec.replicas - unavailableOf(world, plan);
  if (after < floor)
    breach(world, `serving falls from ${before} to ${after}; ${floor} must stay: ${JSON.stringify(route)}`);
}

// A first release that is turned back takes everything with it.
function isEndingWithNothing({ memory }: Plan): boolean {
  return memory.stable === null && (memory.rollout === null || memory.rollout.stage === 'returning');
}

function isGoingBack(plan: Plan): boolean {
  const { rollout } = plan.memory;
  const isBack = rollout?.stage === 'returning' || rollout?.kind === 'rollback';
  return isBack || (plan.writes.finished?.length ?? 0) > 0;
}

function unavailableOf({ spec }: Checked, plan: Plan): number {
  const own = computeOwnBudget(spec).unavailable;
  return isGoingBack(plan) ? Math.max(own, backOf(spec).unavailable) : own;
}

export function surgeOf({ spec }: Checked, plan: Plan): number {
  const own = computeOwnBudget(spec).surge;
  const isExchange = isGoingBack(plan) && spec.strategy.type !== 'recreate';
  return isExchange ? Math.max(own, backOf(spec).surge) : own;
}

function backOf({ replicas, rollback }: ServiceSpec) {
  return computeRollbackBudget(replicas, rollback.parallelism, rollback.order);
}

export function checkNobodyCouldServe(world: Checked, observed: Observed, plan: Plan): void {
  const { memory } = plan;
  const heldMs = world.spec.strategy.minReadyMs;
  const able = observed.replicas.find((r) => {
    const isIn = r.revision === memory.stable || isServingCandidate(memory.rollout, r.revision);
    if (!isIn || !isReady(r) || r.address === null || Object.hasOwn(memory.draining, r.name)) return false;
    return world.now - (r.probe.readySince ?? 0) >= (r.revision === memory.stable ? 0 : heldMs);
  });
  if (able !== undefined && memory.manual === null)
    breach(world, `${able.name} could serve, and nobody does`);
}

function isServingCandidate(rollout: Rollout | null, revision: number): boolean {
  return rollout !== null && rollout.stage !== 'returning' && rollout.revision === revision;
}
