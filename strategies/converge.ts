// A goal → actions of this pass: what may start, what must leave, what may be stopped. One notch, safe after any prefix.
//
// INVARIANTS
// - Nothing running is stopped while the stored table names it, or a live proxy has not applied that table, or it has
//   requests in flight and its drain deadline has not passed.
// - Names and ordinals are derived from what exists, so a repeated pass asks for the same containers.
import { backoffUntil } from './backoff.ts';
import type { Member } from './classify.ts';
import type { Goal } from './course.ts';
import type { Action, Memory } from './model.ts';
import { orderForLeaving } from './route.ts';
import { planStarts } from './starting.ts';
import {
  aliveOf,
  countBusy,
  identify,
  isAcknowledged,
  membersOf,
  revisionsPresent,
  type World,
} from './world.ts';

export interface Convergence {
  readonly actions: readonly Action[];
  readonly draining: Memory['draining'];
  readonly healing: Memory['healing'];
  readonly wakeups: readonly (number | null)[];
}

export function converge(world: World, goal: Goal): Convergence {
  const leaving = findLeaving(world, goal);
  const returning = findReturning(world, goal);
  const draining = Object.fromEntries(
    leaving.map((m) => [m.replica.name, world.memory.draining[m.replica.name] ?? world.now] as const),
  );
  const exits = leaving.flatMap((m) => planExit(world, m, draining[m.replica.name] ?? world.now));
  const starts = planStarts(world, goal, returning);
  return {
    actions: [...exits, ...starts.actions],
    draining,
    healing: starts.healing,
    wakeups: [...leaving.map((m) => drainDeadline(world, m, draining)), ...starts.wakeups],
  };
}

/** Everything that has to go: retired, surplus, or failed and to be replaced. */
function findLeaving(world: World, goal: Goal): readonly Member[] {
  const returning = new Set(findReturning(world, goal));
  return revisionsPresent(world).flatMap((revision) => {
    const wanted = goal.wanted[revision] ?? 0;
    const alive = aliveOf(world, revision);
    const surplus = new Set(orderForLeaving(alive).slice(0, Math.max(0, alive.length - wanted)));
    return membersOf(world, revision).filter((m) => {
      if (m.class === 'gone' || returning.has(m)) return false;
      if (m.class === 'draining' || surplus.has(m)) return true;
      return m.class === 'failed' && (wanted === 0 || mayReplace(world, m));
    });
  });
}

// On their way out but wanted after all, and still running: taken back before anything is started.
function findReturning(world: World, goal: Goal): readonly Member[] {
  return Object.entries(goal.wanted).flatMap(([key, wanted]) => {
    const missing = wanted - aliveOf(world, Number(key)).length;
    const draining = membersOf(world, Number(key)).filter(
      (m) => m.class === 'draining' && m.replica.state === 'running',
    );
    return draining.slice(0, Math.max(0, missing));
  });
}

// A candidate's failure is a verdict's business unless it was forgiven; a stable replica's is healed, with back-off.
function mayReplace(world: World, member: Member): boolean {
  const { rollout, healing } = world.memory;
  const isOnTrial =
    rollout !== null && rollout.revision === member.replica.revision && rollout.stage !== 'returning';
  if (isOnTrial) return rollout.forgiven.includes(member.replica.id);
  return world.now >= backoffUntil(healing[member.replica.name]);
}

function planExit(world: World, member: Member, since: number): readonly Action[] {
  const { name, id, state, revision } = member.replica;
  const hasEnded = state === 'created' || state === 'exited' || state === 'dead';
  if (hasEnded) return [{ kind: 'remove', name, id }];
  if (!isDrained(world, member, since)) return [];
  const found = world.observed.revisions.find((r) => r.number === revision);
  return [{ kind: 'stop', name, id, graceMs: (found ?? world.spec).settings.container.stopGracePeriodMs }];
}

function isDrained(world: World, member: Member, since: number): boolean {
  const { address, revision } = member.replica;
  if (world.spec.settings.port === null && address === null) return true;
  if (member.routed || !isAcknowledged(world.observed)) return false;
  if (address === null) return true;
  const hasRequests = countBusy(world.observed, identify(revision, address)) > 0;
  return !hasRequests || world.now >= since + world.spec.drainTimeoutMs;
}

function drainDeadline(world: World, member: Member, draining: Memory['draining']): number | null {
  const deadline = (draining[member.replica.name] ?? world.now) + world.spec.drainTimeoutMs;
  return deadline > world.now ? deadline : null;
}
