// How far a rollout has come, as one number that only grows while it moves: stage, then step, then replicas. Its growth
// is what the progress deadline waits for; a replica that flaps does not count twice. And when that deadline strikes.
import type { Rollout } from './model.ts';
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
