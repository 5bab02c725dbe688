// A goal → actions of this pass: what may start, what must leave, what may be stopped. One notch, safe after any prefix.
//
// INVARIANTS
// - Nothing running is stopped while the stored table names it, or a live proxy has not applied that table, or it has
//   requests in flight and its drain deadline has not passed.
// - What a stop was decided for never comes back into the table: the memory says so before the stop is sent.
// - Names and ordinals are derived from what exists, so a repeated pass asks for the same containers.
import type { Member } from './classify.ts';
import type { Goal } from './course.ts';
import type { Action, Memory } from './model.ts';
import { countBusy, isAcknowledged } from './proxies.ts';
import { type Move, stay } from './rollout.ts';
import { orderForLeaving } from './route.ts';
import { mayReplace, planStarts } from './starting.ts';
import { aliveOf, identify, membersOf, revisionsPresent, type World } from './world.ts';

export interface Convergence {
  readonly actions: readonly Action[];
  readonly draining: Memory['draining'];
  readonly dismissed: Memory['dismissed'];
  readonly healing: Memory['healing'];
  readonly wakeups: readonly (number | null)[];
}

export function converge(world: World, goal: Goal): Convergence {
  const leaving = findLeaving(world, goal);
  const draining = Object.fromEntries(
    leaving.map((m) => [m.replica.name, world.memory.draining[m.replica.name] ?? world.now] as const),
  );
  const exits = leaving.flatMap((m) => planExit(world, m, draining[m.replica.name] ?? world.now));
  const starts = planStarts(world, goal, new Set(leaving));
  return {
    actions: [...exits, ...starts.actions],
    draining,
    dismissed: recordDismissed(world, leaving, exits),
    healing: starts.healing,
    wakeups: [...leaving.map((m) => drainDeadline(world, m, draining)), ...starts.wakeups],
  };
}

function recordDismissed(
  { memory }: World,
  leaving: readonly Member[],
  exits: readonly Action[],
): Memory['dismissed'] {
  const told = new Set(exits.flatMap((action) => (action.kind === 'stop' ? [action.name] : [])));
  const names = leaving.map((m) => m.replica.name);
  return names.filter((name) => told.has(name) || memory.dismissed.includes(name));
}

/** Everything that has to go or is going: retired, surplus, or failed and to be replaced. */
function findLeaving(world: World, goal: Goal): readonly Member[] {
  return revisionsPresent(world).flatMap((revision) => {
    const wanted = goal.wanted[revision] ?? 0;
    const alive = aliveOf(world, revision);
    const surplus = new Set(orderForLeaving(alive).slice(0, Math.max(0, alive.length - wanted)));
    return membersOf(world, revision).filter((m) => {
      if (Object.hasOwn(world.memory.draining, m.replica.name) || surplus.has(m)) return true;
      return m.class === 'failed' && (wanted === 0 || mayReplace(world, m));
    });
  });
}

/**
 * On their way out but wanted after all, and no stop was decided for them: they are taken back before anything is
 * started. Null when there are none.
 */
export function takeBack(world: World, goal: Goal): Move | null {
  const { draining, dismissed } = world.memory;
  const names = Object.entries(goal.wanted).flatMap(([key, wanted]) => {
    const missing = wanted - aliveOf(world, Number(key)).length;
    const able = membersOf(world, Number(key)).filter(
      (m) => m.class === 'draining' && m.replica.state === 'running' && !dismissed.includes(m.replica.name),
    );
    return able.slice(0, Math.max(0, missing)).map((m) => m.replica.name);
  });
  if (names.length === 0) return null;
  const left = Object.entries(draining).filter(([name]) => !names.includes(name));
  return stay({ ...world.memory, draining: Object.fromEntries(left) });
}

function planExit(world: World, member: Member, since: number): readonly Action[] {
  const { name, id, state, revision } = member.replica;
  if (member.class === 'gone') return [];
  const hasEnded = state === 'created' || state === 'exited' || state === 'dead';
  if (hasEnded) return [{ kind: 'remove', name, id }];
  if (!isDrained(world, member, since)) return [];
  const found = world.observed.revisions.find((r) => r.number === revision);
  return [{ kind: 'stop', name, id, graceMs: (found ?? world.spec).settings.container.stopGracePeriodMs }];
}

function isDrained(world: World, member: Member, since: number): boolean {
  const { address, revision } = member.replica;
  if (world.spec.settings.port === null && address === null) return true;
  if (member.routed || !isAcknowledged(world)) return false;
  if (address === null) return !isNamedUnseen(world, revision);
  const hasRequests = countBusy(world.observed, identify(revision, address)) > 0;
  return !hasRequests || world.now >= findDrainEnd(world, since);
}

/** The table names an address of the revision that nothing has now: the engine may be starting its container again. */
function isNamedUnseen({ observed, members }: World, revision: number): boolean {
  const seen = members.map(({ replica }) => replica.address);
  const targets = observed.route?.value.targets ?? [];
  return targets.some((target) => target.revision === revision && !seen.includes(target.address));
}

function drainDeadline(world: World, member: Member, draining: Memory['draining']): number | null {
  const deadline = findDrainEnd(world, draining[member.replica.name] ?? world.now);
  return deadline > world.now ? deadline : null;
}

// Counted by whoever watches it: time that nobody saw pass may not have passed, and there are requests in flight.
function findDrainEnd({ observed, spec }: World, since: number): number {
  return Math.max(since, observed.watchedSince) + spec.drainTimeoutMs;
}
