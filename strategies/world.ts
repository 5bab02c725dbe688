// Everything that one decision looks at, sorted once: members by revision, who is stable, who is candidate, what the
// live proxies have acknowledged. Read-only; a new memory makes a new world.
import { classify, type Member } from './classify.ts';
import type { Memory, Observed, Revision, ServiceSpec } from './model.ts';
import { findMissing } from './proxies.ts';

export interface World {
  readonly spec: ServiceSpec;
  readonly observed: Observed;
  readonly memory: Memory;
  readonly now: number;
  readonly members: readonly Member[];
  readonly wakeups: readonly (number | null)[];
}

export function buildWorld(spec: ServiceSpec, observed: Observed, memory: Memory, now: number): World {
  const routed = new Set((observed.route?.value.targets ?? []).map((t) => identify(t.revision, t.address)));
  const forgiven = new Set(memory.rollout?.forgiven ?? []);
  const members = observed.replicas.map((replica) =>
    classify(replica, {
      isCandidate: isOnTrial(memory, replica.revision),
      isLeaving: Object.hasOwn(memory.draining, replica.name),
      isForgiven: forgiven.has(replica.id),
      isRouted: replica.address !== null && routed.has(identify(replica.revision, replica.address)),
      minReadyMs: readMinReady(spec, memory, replica.revision),
      now,
    }),
  );
  const missing = findMissing({ observed, memory }).map(({ until }) => until);
  const wakeups = [...members.map((m) => readyAt(m, spec, memory)), ...missing];
  return { spec, observed, memory, now, members, wakeups };
}

/** How the table and the proxies name a target. */
export function identify(revision: number, address: string): string {
  return `${revision}@${address}`;
}

/** A candidate is, until it is stable. A rollback's goal is not, nor the candidate of a return, nor one under manual weights. */
export function isOnTrial(memory: Memory, revision: number): boolean {
  const { rollout } = memory;
  if (rollout === null || rollout.revision !== revision || revision === memory.stable) return false;
  return rollout.kind !== 'rollback' && rollout.stage !== 'returning' && memory.manual === null;
}

function readMinReady(spec: ServiceSpec, memory: Memory, revision: number): number {
  const isGated = isOnTrial(memory, revision) && memory.rollout?.gated === true;
  return isGated ? spec.strategy.minReadyMs : 0;
}

function readyAt(member: Member, spec: ServiceSpec, memory: Memory): number | null {
  const { readySince } = member.replica.probe;
  if (member.class !== 'ready' || member.available || readySince === null) return null;
  return readySince + readMinReady(spec, memory, member.replica.revision);
}

export function membersOf(world: World, revision: number | null): readonly Member[] {
  return world.members.filter((m) => m.replica.revision === revision);
}

/** Neither failed nor on the way out. */
export function aliveOf(world: World, revision: number | null): readonly Member[] {
  return membersOf(world, revision).filter((m) => m.class === 'ready' || m.class === 'starting');
}

export function readyOf(world: World, revision: number | null): readonly Member[] {
  return membersOf(world, revision).filter((m) => m.class === 'ready');
}

export function availableOf(world: World, revision: number | null): readonly Member[] {
  return membersOf(world, revision).filter((m) => m.available);
}

/** Ready, and in the table already with a weight, not as a preview; a service without a port has no table. */
export function servingOf(world: World, revision: number): readonly Member[] {
  const { spec, observed } = world;
  if (spec.settings.port === null) return readyOf(world, revision);
  const weight = observed.route?.value.split[revision] ?? 0;
  return weight > 0 ? readyOf(world, revision).filter((m) => m.routed) : [];
}

/** Not on the way out, failed ones included: what a pause leaves as it is. */
export function countPresent(world: World, revision: number): number {
  return membersOf(world, revision).filter((m) => m.class !== 'draining' && m.class !== 'gone').length;
}

/** All that stands, draining and stopping ones included: the engine carries them. Not what has ended or never ran. */
export function countStanding(world: World): number {
  const isIdle = ({ replica }: Member) => ['created', 'exited', 'dead'].includes(replica.state);
  return world.members.filter((m) => !isIdle(m)).length;
}

export function revisionsPresent(world: World): readonly number[] {
  return [...new Set(world.members.map((m) => m.replica.revision))].sort((a, b) => a - b);
}

/**
 * The first number from this one on that no container and no record bears: after a restore from a backup there may be
 * containers of revisions that nothing remembers, after a lost memory records of revisions, and they are not the new one's.
 */
export function findFreeNumber(world: World, from: number): number {
  const known = world.observed.revisions.map(({ number }) => number);
  return Math.max(from, ...[...revisionsPresent(world), ...known].map((number) => number + 1));
}

export function findRevision(observed: Observed, number: number | null): Revision | null {
  return observed.revisions.find((revision) => revision.number === number) ?? null;
}
