// Which containers to start in this pass: of each revision that has too few, first the names that were asked for before
// and are not there, then the lowest free ordinals, unless something must go first, a back-off has not passed, or there
// is no room.
//
// INVARIANT: a start that is under way shows in no observation, only in the memory; so the same name is asked for again.
import { backoffUntil, retryAt } from './backoff.ts';
import type { Member } from './classify.ts';
import type { Goal } from './course.ts';
import { isAvailable } from './health.ts';
import type { Action, Memory, Revision } from './model.ts';
import { aliveOf, countStanding, findRevision, isOnTrial, membersOf, type World } from './world.ts';

export interface Starts {
  readonly actions: readonly Action[];
  readonly healing: Memory['healing'];
  readonly wakeups: readonly (number | null)[];
}

/** A replica that has been ready for this long has no history of failures. */
const HEALED_AFTER_MS = 60_000;

export function planStarts(world: World, goal: Goal, leaving: ReadonlySet<Member>): Starts {
  const healing = forgetHealed(world, goal);
  if (goal.isExclusive && hasOthers(world, goal)) return { actions: [], healing, wakeups: [] };
  const missing = listWanted(world, goal).flatMap(([revision, wanted]) =>
    namesToStart(world, revision, wanted, leaving, healing),
  );
  // What backs off keeps its room: it may be on its way already.
  const due = missing.slice(0, Math.max(0, goal.limit - countStanding(world)));
  const waits = due.map(({ name }) => Math.max(backoffUntil(healing[name]), troubleUntil(world, name)));
  const started = due.filter((_, i) => world.now >= (waits[i] ?? 0));
  return {
    actions: started.map(({ name, revision, ordinal }) => ({ kind: 'start', name, revision, ordinal })),
    healing: { ...healing, ...countStarts(world, healing, started) },
    wakeups: [...waits, ...world.members.map((m) => replaceableAt(world, m))],
  };
}

interface Due {
  readonly name: string;
  readonly revision: Revision;
  readonly ordinal: number;
}

// The stable revision last: with little room, one that breaks again and again must not keep its fix from starting.
function listWanted(world: World, goal: Goal): readonly (readonly [Revision, number])[] {
  const { stable } = world.memory;
  const wanted = Object.entries(goal.wanted).flatMap(([key, count]) => {
    const revision = findRevision(world.observed, Number(key));
    return revision === null ? [] : [[revision, count] as const];
  });
  return wanted.sort(([a], [b]) => Number(a.number === stable) - Number(b.number === stable));
}

function namesToStart(
  world: World,
  revision: Revision,
  wanted: number,
  leaving: ReadonlySet<Member>,
  healing: Memory['healing'],
): readonly Due[] {
  const members = membersOf(world, revision.number);
  const created = members.filter(
    (m) => m.class === 'starting' && m.replica.state === 'created' && !leaving.has(m),
  );
  const places = members.filter((m) => keepsPlace(world, m, leaving)).length;
  const missing = Math.max(0, wanted - aliveOf(world, revision.number).length - places);
  const taken = new Set(members.map((m) => m.replica.ordinal));
  const ordinals = listAsked(world, revision.number, healing).filter((ordinal) => !taken.has(ordinal));
  for (let next = 1; ordinals.length < missing; next += 1) {
    if (!taken.has(next) && !ordinals.includes(next)) ordinals.push(next);
  }
  return [...created.map((m) => m.replica.ordinal), ...ordinals.slice(0, missing)].map((ordinal) => {
    return { name: nameReplica(world.observed.service, revision.number, ordinal), revision, ordinal };
  });
}

// Ordinals that were asked for before, the latest first.
function listAsked({ observed }: World, revision: number, healing: Memory['healing']): number[] {
  const prefix = nameReplica(observed.service, revision, 0).slice(0, -1);
  const asked = Object.entries(healing).filter(([name]) => name.startsWith(prefix));
  const ordinals = asked.map(([name, { at }]) => ({ ordinal: Number(name.slice(prefix.length)), at }));
  return ordinals.sort((a, b) => b.at - a.at || a.ordinal - b.ordinal).map(({ ordinal }) => ordinal);
}

// A failed replica until it may be replaced, and one that has ended until it is removed, unless the engine cannot.
function keepsPlace({ observed }: World, member: Member, leaving: ReadonlySet<Member>): boolean {
  if (member.class === 'failed' && !leaving.has(member)) return true;
  const { name, state } = member.replica;
  const hasEnded = state === 'exited' || state === 'dead';
  return hasEnded && !observed.troubles.some((trouble) => trouble.subject === name);
}

/** Derived, never generated: the same replica always has the same name. */
export function nameReplica(service: string, revision: number, ordinal: number): string {
  return `${service}-r${revision}-${ordinal}`;
}

/**
 * A candidate's failure is a verdict's business unless it was forgiven; any other replica's is healed, with back-off.
 * Until then the failed one keeps its place, so that nothing else is started for it.
 */
export function mayReplace(world: World, member: Member): boolean {
  return world.now >= (replaceableAt(world, member) ?? Number.POSITIVE_INFINITY);
}

// On trial it is never replaced in a pause.
function replaceableAt({ memory }: World, { class: kind, replica }: Member): number | null {
  const { rollout } = memory;
  if (kind !== 'failed') return null;
  if (!isOnTrial(memory, replica.revision)) return backoffUntil(memory.healing[replica.name]);
  return rollout?.paused === null && rollout.forgiven.includes(replica.id) ? 0 : null;
}

function hasOthers(world: World, goal: Goal): boolean {
  return world.members.some((m) => (goal.wanted[m.replica.revision] ?? 0) === 0);
}

function troubleUntil(world: World, name: string): number {
  const trouble = world.observed.troubles.find((t) => t.action === 'start' && t.subject === name);
  return trouble === undefined ? 0 : retryAt(trouble);
}

function countStarts(world: World, healing: Memory['healing'], started: readonly Due[]): Memory['healing'] {
  const counted = started.map(({ name }) => {
    return [name, { attempts: (healing[name]?.attempts ?? 0) + 1, at: world.now }] as const;
  });
  return Object.fromEntries(counted);
}

function forgetHealed(world: World, goal: Goal): Memory['healing'] {
  const isHealed = (name: string) => {
    const member = world.members.find((m) => m.replica.name === name && m.class === 'ready');
    return member !== undefined && isAvailable(member.replica.probe, HEALED_AFTER_MS, world.now);
  };
  const prefixes = Object.keys(goal.wanted).map((revision) => `${world.observed.service}-r${revision}-`);
  const isKnown = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(
    Object.entries(world.memory.healing).filter(([name]) => isKnown(name) && !isHealed(name)),
  );
}
