// A goal → the table entry that the proxies are to serve: only ready replicas that are not on their way out, and no
// more weight than they can carry.
import { computeStepReplicas } from './budget.ts';
import type { Member } from './classify.ts';
import type { Goal } from './course.ts';
import { formatDuration } from './describe.ts';
import type { RouteEntry, RouteProxySettings, ServiceSpec } from './model.ts';
import { isAcknowledged } from './proxies.ts';
import { computeEffective, isSameSplit, type Split } from './weights.ts';
import { aliveOf, findRevision, membersOf, readyOf, revisionsPresent, type World } from './world.ts';

/** Members that may take traffic. */
export function routableOf(world: World, goal: Goal, revision: number): readonly Member[] {
  const ready = readyOf(world, revision).filter((m) => m.replica.address !== null);
  const kept = keepWanted(ready, goal.wanted[revision] ?? 0, aliveOf(world, revision).length);
  return kept.filter((m) => m.available);
}

/** Who leaves when there are more than wanted: out of the table first, then unready, then the highest ordinal. */
export function orderForLeaving(members: readonly Member[]): readonly Member[] {
  const rank = (m: Member) => (m.class === 'ready' ? 2 : 0) + (m.routed ? 1 : 0);
  return [...members].sort((a, b) => rank(a) - rank(b) || b.replica.ordinal - a.replica.ordinal);
}

function keepWanted(ready: readonly Member[], wanted: number, alive: number): readonly Member[] {
  const surplus = alive - wanted;
  const unready = alive - ready.length;
  const leaving = new Set(orderForLeaving(ready).slice(0, Math.max(0, surplus - unready)));
  return ready.filter((m) => !leaving.has(m));
}

/** Weights after capacity. */
export function effectiveSplit(world: World, goal: Goal): Split {
  return computeEffective(
    revisionsPresent(world).map((revision) => {
      const desired = goal.split[revision] ?? 0;
      return {
        revision,
        desired,
        ready: routableOf(world, goal, revision).length,
        needed: goal.needed[revision] ?? computeStepReplicas(world.spec.replicas, desired, null),
        mayExceed: revision !== goal.guarded,
      };
    }),
  );
}

/** Null when there is nothing to serve; while a port is being given up, not before its last replica has gone. */
export function planRoute(world: World, goal: Goal): RouteEntry | null {
  const { spec, memory } = world;
  if (spec.settings.port === null && !world.members.some((m) => m.replica.address !== null)) return null;
  const split = effectiveSplit(world, goal);
  const shown = revisionsPresent(world).filter((r) => (split[r] ?? 0) > 0 || isAtHand(world, goal, r));
  const targets = shown.flatMap((revision) => targetsOf(world, goal, revision));
  const candidate = memory.rollout?.revision ?? null;
  const entry: RouteEntry = {
    routes: spec.routes.map(({ host, path }) => ({ host, path })),
    split: Object.fromEntries(Object.entries(split).filter(([, weight]) => weight > 0)),
    roles: { stable: memory.stable, candidate: candidate === memory.stable ? null : candidate },
    coming: Object.keys(split).length === 0 && isComing(spec, goal),
    targets,
    preview: previewOf(world, goal, targets),
    ...trialOf(goal, targets),
    proxy: formatProxySettings(spec),
  };
  const isToGo = Object.keys(goal.wanted).length === 0 && world.members.length > 0;
  return isToGo ? closeEntry(entry) : entry;
}

// In the table without a weight: previewed, or asked for assets that the others do not have.
function isAtHand({ spec, memory }: World, goal: Goal, revision: number): boolean {
  if (revision === goal.preview) return true;
  const { stable, rollout, warm } = memory;
  return spec.proxy.assets.length > 0 && [stable, rollout?.revision, warm?.revision].includes(revision);
}

/**
 * Of what is to go for good. Without routes no proxy can refuse it for another service's: what it refuses it does not
 * acknowledge, and until then nothing is stopped.
 */
export function closeEntry(entry: RouteEntry): RouteEntry {
  return {
    ...entry,
    routes: [],
    split: {},
    targets: [],
    coming: false,
    preview: null,
    match: null,
    mirror: null,
  };
}

function isComing({ settings }: ServiceSpec, { wanted }: Goal): boolean {
  return settings.port !== null && Object.values(wanted).some((count) => count > 0);
}

function targetsOf(world: World, goal: Goal, revision: number): RouteEntry['targets'] {
  const protocol = findRevision(world.observed, revision)?.settings.protocol;
  return routableOf(world, goal, revision).flatMap(({ replica: { address } }) => {
    if (address === null) return [];
    return [protocol === undefined ? { revision, address } : { revision, address, protocol }];
  });
}

function previewOf(world: World, goal: Goal, targets: RouteEntry['targets']): RouteEntry['preview'] {
  const { strategy } = world.spec;
  if (goal.preview === null || strategy.type !== 'blue-green' || strategy.preview === null) return null;
  if (!targets.some((target) => target.revision === goal.preview)) return null;
  return { ...strategy.preview, revision: goal.preview };
}

function trialOf(goal: Goal, targets: RouteEntry['targets']): Pick<RouteEntry, 'match' | 'mirror'> {
  const isThere = targets.some((target) => target.revision === goal.preview);
  return isThere ? offerOf(goal) : { match: null, mirror: null };
}

function offerOf({ preview: revision, trial }: Goal): Pick<RouteEntry, 'match' | 'mirror'> {
  if (revision === null || trial === null) return { match: null, mirror: null };
  const { match, mirror } = trial;
  return {
    match: match === null ? null : { ...match, revision },
    mirror: mirror === 0 ? null : { revision, percent: mirror },
  };
}

/** The store's table has what the goal has besides weights; one from before there was such a thing has none. */
export function isOffered({ spec, observed }: World, goal: Goal): boolean {
  if (spec.settings.port === null) return true;
  const { match = null, mirror = null } = observed.route?.value ?? {};
  return JSON.stringify({ match, mirror }) === JSON.stringify(offerOf(goal));
}

export function formatProxySettings({ proxy }: ServiceSpec): RouteProxySettings {
  const { park, affinity, ejection, slowStartMs, maintenance } = proxy;
  return {
    timeout: formatDuration(proxy.timeoutMs),
    idle_timeout: formatDuration(proxy.idleTimeoutMs),
    retries: proxy.retries,
    park: { timeout: formatDuration(park.timeoutMs), max_requests: park.maxRequests },
    affinity: affinity === null ? null : { cookie: affinity.cookie, ttl: formatDuration(affinity.ttlMs) },
    max_body: proxy.maxBodyBytes,
    headers: proxy.headers,
    ejection: ejection === null ? null : { errors: ejection.errors, time: formatDuration(ejection.timeMs) },
    slow_start: slowStartMs === null ? null : formatDuration(slowStartMs),
    retry_budget: proxy.retryPercent,
    assets: proxy.assets,
    maintenance: maintenance === null ? null : formatMaintenance(maintenance),
  };
}

function formatMaintenance({
  message,
  retryAfterMs,
  allow,
}: NonNullable<ServiceSpec['proxy']['maintenance']>) {
  return { message, retry_after: formatDuration(retryAfterMs), allow };
}

/** The proxies serve just this: the store holds this split, every live proxy has applied it, and it is the desired one. */
export function isServed(world: World, goal: Goal): boolean {
  if (world.spec.settings.port === null) return true;
  const { route } = world.observed;
  if (route === null || !isAcknowledged(world)) return false;
  const desired = canServe(world, goal) ? goal.split : {};
  return isSameSplit(route.value.split, desired) && isSameSplit(effectiveSplit(world, goal), desired);
}

/** The proxies serve just what can be had, and `revision` has at least its weight: more, where others cannot carry theirs. */
export function isCarried(world: World, goal: Goal, revision: number): boolean {
  if (world.spec.settings.port === null) return true;
  const { route } = world.observed;
  if (route === null || !isAcknowledged(world)) return false;
  const split = effectiveSplit(world, goal);
  const desired = canServe(world, goal) ? (goal.split[revision] ?? 0) : 0;
  return isSameSplit(route.value.split, split) && (split[revision] ?? 0) >= desired;
}

// Not without replicas, nor by revisions from before the service had a port.
function canServe({ spec, observed }: World, goal: Goal): boolean {
  const weighted = Object.keys(goal.split).map((revision) => findRevision(observed, Number(revision)));
  return spec.replicas > 0 && weighted.some((revision) => revision?.settings.port !== null);
}

/** A revision's replicas have all left: none is in any state. */
export function isGone(world: World, revision: number): boolean {
  return membersOf(world, revision).length === 0;
}
