// How far a rollout has come, as one number that only grows while it moves: stage, then step, then replicas. Its growth
// is what the progress deadline waits for; a replica that flaps does not count twice. And when that deadline strikes.
import type { Overdue, Rollout } from './model.ts';
import { type Move, stay } from './rollout.ts';
import { availableOf, findRevision, readyOf, type World } from './world.ts';

const STAGES: Readonly<Record<Rollout['stage'], number>> = {
  resolving: 0,
  advancing: 1,
  monitoring: 2,
  returning: 3,
};

export function measureProgress(world: World, rollout: Rollout): number {
  const incoming = rollout.stage === 'returning' ? world.memory.stable : rollout.revision;
  const step = (rollout.step?.index ?? 0) * 2 + Number(rollout.promoted);
  const others = world.members.filter((m) => m.replica.revision !== incoming).length;
  const replicas = availableOf(world, incoming).length * 100 + readyOf(world, incoming).length;
  return STAGES[rollout.stage] * 1e12 + step * 1e8 + replicas * 1e3 + Math.max(0, 999 - others);
}

/** What a replica that is well needs beyond its start period and `min_ready` to be seen ready by a controller that has just come. */
const LOOK_MS = 60_000;
/** Restarts and outages that may put one deadline off: a controller that keeps dying renews it no further. */
const REPRIEVES = 3;

/**
 * Absolute, in milliseconds since the epoch; never while paused or held. A pull that moves, a bake, and requests and
 * containers that still have time to end put it off.
 */
export function findDeadline(world: World, rollout: Rollout): number {
  if (rollout.paused !== null || rollout.held) return Number.POSITIVE_INFINITY;
  const image = world.observed.images[rollout.id];
  const pulledAt = rollout.stage === 'resolving' && image?.kind === 'pulling' ? image.changedAt : 0;
  const since = Math.max(pulledAt, rollout.monitorUntil ?? 0, findDrainEnd(world, rollout));
  return Math.max(rollout.deadline, since + world.spec.strategy.progressDeadlineMs);
}

// Of what was retired in good health: a replica that fails again and again must not keep a release from its verdict.
function findDrainEnd({ members, memory, observed, spec }: World, { stage }: Rollout): number {
  if (stage === 'resolving') return 0;
  const retired = members.filter((m) => m.class === 'draining' || m.class === 'gone');
  const ends = retired.map(({ replica }) => {
    const { settings } = findRevision(observed, replica.revision) ?? spec;
    const since = memory.draining[replica.name] ?? 0;
    return since + spec.drainTimeoutMs + settings.container.stopGracePeriodMs;
  });
  return Math.max(0, ...ends);
}

/**
 * When the deadline counts against the release: not before somebody has watched it for a while. A deadline that passed
 * while nobody could look (the engine, etcd or every controller away, or a clock set between two controllers) says
 * nothing of the release.
 *
 * Worked example, deadline 10 min, start period 30 s, `min_ready` 5 s: etcd comes back 20 min later → another 95 s.
 */
export function findStrike(world: World, rollout: Rollout): number {
  const deadline = findDeadline(world, rollout);
  const { spec, observed } = world;
  const { progressDeadlineMs, minReadyMs } = spec.strategy;
  const whileMs = LOOK_MS + minReadyMs + spec.settings.healthcheck.startPeriodMs;
  const spent = overdueOf(world, rollout);
  if (spent.reprieves > REPRIEVES) return deadline;
  return Math.max(deadline, observed.watchedSince + Math.min(progressDeadlineMs, whileMs));
}

/** The deadline has passed, and it counts. */
export function isOverdue(world: World, rollout: Rollout): boolean {
  return world.now >= findStrike(world, rollout);
}

/** It has passed and does not count yet: remembers that it was put off in this watch. Null when there is nothing new. */
export function reprieve(world: World, rollout: Rollout): Move | null {
  const deadline = findDeadline(world, rollout);
  const { watchedSince } = world.observed;
  const before = overdueOf(world, rollout);
  if (world.now < deadline || before.watchedSince === watchedSince) return null;
  return stay({ ...world.memory, overdue: { deadline, watchedSince, reprieves: before.reprieves + 1 } });
}

function overdueOf(world: World, rollout: Rollout): Overdue {
  const deadline = findDeadline(world, rollout);
  const { overdue } = world.memory;
  if (overdue?.deadline === deadline) return overdue;
  return { deadline, watchedSince: Number.NaN, reprieves: 0 };
}
