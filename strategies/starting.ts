// Which containers to start in this pass: the lowest free ordinals of each revision that has too few, unless something
// must go first, or a back-off has not passed.
import { backoffUntil, retryAt } from './backoff.ts';
import type { Member } from './classify.ts';
import type { Goal } from './course.ts';
import type { Action, Memory, Revision } from './model.ts';
import { aliveOf, findRevision, membersOf, type World } from './world.ts';

export interface Starts {
  readonly actions: readonly Action[];
  readonly healing: Memory['healing'];
  readonly wakeups: readonly (number | null)[];
}

/** A replica that has been ready for this long has no history of failures. */
const HEALED_AFTER_MS = 60_000;

/** `returning`: replicas that are taken back from their way out and so need no start. */
export function planStarts(world: World, goal: Goal, returning: readonly Member[]): Starts {
  const healing = forgetHealed(world, goal);
  if (goal.isExclusive && hasOthers(world, goal)) return { actions: [], healing, wakeups: [] };
  const due = Object.entries(goal.wanted).flatMap(([key, wanted]) => {
    const revision = findRevision(world.observed, Number(key));
    const back = returning.filter((m) => m.replica.revision === revision?.number).length;
    return revision === null ? [] : namesToStart(world, revision, wanted - back);
  });
  const waits = due.map(({ name }) => Math.max(backoffUntil(healing[name]), troubleUntil(world, name)));
  const ready = due.filter((_, i) => world.now >= (waits[i] ?? 0));
  return {
    actions: ready.map(({ name, revision, ordinal }) => ({ kind: 'start', name, revision, ordinal })),
    healing: { ...healing, ...countHealing(world, healing, ready) },
    wakeups: waits.filter((at) => at > world.now),
  };
}

interface Due {
  readonly name: string;
  readonly revision: Revision;
  readonly ordinal: number;
}

function namesToStart(world: World, revision: Revision, wanted: number): readonly Due[] {
  const members = membersOf(world, revision.number);
  const created = members.filter((m) => m.class === 'starting' && m.replica.state === 'created');
  const missing = Math.max(0, wanted - aliveOf(world, revision.number).length);
  const taken = new Set(members.map((m) => m.replica.ordinal));
  const ordinals: number[] = created.map((m) => m.replica.ordinal);
  for (let ordinal = 1; ordinals.length < created.length + missing; ordinal += 1) {
    if (!taken.has(ordinal)) ordinals.push(ordinal);
  }
  return ordinals.map((ordinal) => ({
    name: nameReplica(world.observed.service, revision.number, ordinal),
    revision,
    ordinal,
  }));
}

/** Derived, never generated: the same replica always has the same name. */
export function nameReplica(service: string, revision: number, ordinal: number): string {
  return `${service}-r${revision}-${ordinal}`;
}

function hasOthers(world: World, goal: Goal): boolean {
  return world.members.some((m) => (goal.wanted[m.replica.revision] ?? 0) === 0);
}

function troubleUntil(world: World, name: string): number {
  const trouble = world.observed.troubles.find((t) => t.action === 'start' && t.subject === name);
  return trouble === undefined ? 0 : retryAt(trouble);
}

// Starts of the stable revision count as healing; a candidate's first starts do not.
function countHealing(world: World, healing: Memory['healing'], started: readonly Due[]): Memory['healing'] {
  const { stable, manual } = world.memory;
  const healed = started.filter(({ revision }) => manual !== null || revision.number === stable);
  const counted = healed.map(({ name }) => {
    return [name, { attempts: (healing[name]?.attempts ?? 0) + 1, at: world.now }] as const;
  });
  return Object.fromEntries(counted);
}

function forgetHealed(world: World, goal: Goal): Memory['healing'] {
  const isHealed = (name: string) => {
    const since = world.members.find((m) => m.replica.name === name)?.replica.probe.readySince;
    return since !== null && since !== undefined && world.now - since >= HEALED_AFTER_MS;
  };
  const prefixes = Object.keys(goal.wanted).map((revision) => `${world.observed.service}-r${revision}-`);
  const isKnown = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(
    Object.entries(world.memory.healing).filter(([name]) => isKnown(name) && !isHealed(name)),
  );
}
