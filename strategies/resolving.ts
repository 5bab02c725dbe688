// The first stage: from a tag to a digest, before anything is stopped. What runs keeps running.
import type { Notch } from './advance.ts';
import type { Hold } from './course.ts';
import { formatRoughly } from './describe.ts';
import type { Action, ImageState, Reason, ResolveFailureKind, Revision, Rollout, Verdict } from './model.ts';
import { isOverdue, reprieve } from './progress.ts';
import { startAdvancing, startReturning } from './rollout.ts';
import { planSteady } from './standing.ts';
import { findFreeNumber, findRevision, revisionsPresent, type World } from './world.ts';

const HOPELESS: readonly ResolveFailureKind[] = ['missing', 'authentication', 'refused'];
const HOPELESS_TRIES = 3;
/** `retryAt` of an image that is not to be asked for again. */
const NEVER = Number.MAX_SAFE_INTEGER;

export function planResolving(world: World, rollout: Rollout): Notch {
  const image = imageOf(world, rollout);
  const goal = planSteady(world);
  if (image.kind === 'resolved') return { move: settle(world, rollout, image), goal, hold: null };
  if (image.kind === 'failed' && isHopeless(image))
    return { move: giveUp(world, rollout, image), goal, hold: null };
  if (isOverdue(world, rollout)) return { move: giveUp(world, rollout, image), goal, hold: null };
  return { move: reprieve(world, rollout), goal, hold: explain(rollout, image, world.now) };
}

export function imageOf(world: World, rollout: Rollout): ImageState {
  return world.observed.images[rollout.id] ?? { kind: 'absent' };
}

export type WantedImage = Omit<Extract<Action, { kind: 'resolve-image' }>, 'kind' | 'id'>;

/** A rollback and a restart run what is known, from the repository that it is known of; a release asks what its tag means today. */
export function nameImage(world: World, rollout: Rollout): WantedImage {
  const known = findKnown(world, rollout);
  const { networks } = (known ?? world.spec).settings.container;
  return known === null
    ? { image: world.spec.image, version: rollout.version, policy: world.spec.pull, networks }
    : { image: known.image, version: known.digest, policy: 'missing', networks };
}

function findKnown({ observed, memory }: World, { kind, revision }: Rollout): Revision | null {
  return findRevision(observed, kind === 'restart' ? memory.stable : revision);
}

/** Missing and refused images get three tries, or fewer when the engine says never; what may pass by itself is tried until the deadline. */
export function isHopeless(image: Extract<ImageState, { kind: 'failed' }>): boolean {
  if (image.retryAt >= NEVER) return true;
  return HOPELESS.includes(image.failure) && image.attempts >= HOPELESS_TRIES;
}

function settle(world: World, rollout: Rollout, image: Extract<ImageState, { kind: 'resolved' }>) {
  const { observed } = world;
  const isKnown = findRevision(observed, rollout.revision) !== null;
  if (isKnown && rollout.kind === 'rollback') return startAdvancing(world, rollout, null);
  const isRefused = observed.quarantined.includes(image.digest) && !rollout.insists;
  if (isRefused) return startReturning(world, rollout, refuse(world, rollout, image.digest));
  const stable = findRevision(observed, world.memory.stable);
  if (stable !== null && rollout.kind === 'release' && isSame(world, stable, image.digest)) {
    return startReturning(world, { ...rollout, revision: stable.number }, ALREADY);
  }
  const isTaken = isKnown || revisionsPresent(world).includes(rollout.revision);
  const number = isTaken ? findFreeNumber(world, world.memory.nextRevision) : rollout.revision;
  const move = startAdvancing(
    world,
    { ...rollout, revision: number },
    {
      number,
      version: rollout.version,
      digest: image.digest,
      reference: image.reference,
      ...describeContainer(world, rollout.kind === 'restart' ? stable : null),
      restart: rollout.kind === 'restart' ? rollout.requested : (stable?.restart ?? 0),
    },
  );
  return rollout.insists ? { ...move, writes: { ...move.writes, unquarantine: image.digest } } : move;
}

// The spec's; of a restart what it had: a spec that failed meanwhile must not come in by it.
function describeContainer({ observed, spec }: World, former: Revision | null) {
  const { image, settings } = former ?? spec;
  return { image, settings, settingsHash: former?.settingsHash ?? observed.settingsHash };
}

const ALREADY: Verdict = {
  outcome: 'succeeded',
  reason: null,
  message: 'That image with these settings is the stable revision already.',
  evidence: [],
};

function isSame(world: World, stable: Revision, digest: string): boolean {
  return stable.digest === digest && stable.settingsHash === world.observed.settingsHash;
}

function refuse(world: World, rollout: Rollout, digest: string): Verdict {
  return {
    outcome: world.memory.stable === null ? 'failed' : 'rolled-back',
    reason: 'quarantined',
    message: `${rollout.version} (${digest}) failed here before and is in quarantine; retry asks for it again.`,
    evidence: [],
  };
}

function giveUp(world: World, rollout: Rollout, image: ImageState) {
  const why =
    image.kind === 'failed' ? `${image.failure}: ${image.message}` : 'the engine gave no answer in time';
  const { image: repository, version } = nameImage(world, rollout);
  const reason = nameReason(image);
  return startReturning(world, rollout, {
    outcome: world.memory.stable === null ? 'failed' : 'rolled-back',
    reason,
    message:
      reason === 'network-missing'
        ? `Nothing was started: ${why}.`
        : `${repository}${isDigest(version) ? '@' : ':'}${version} could not be had (${why}).`,
    evidence: [],
  });
}

function nameReason(image: ImageState): Reason {
  const isNetwork = image.kind === 'failed' && image.failure === 'network-missing';
  return isNetwork ? 'network-missing' : 'image-pull-failed';
}

function isDigest(version: string): boolean {
  return version.startsWith('sha256:');
}

function explain(rollout: Rollout, image: ImageState, now: number): Hold {
  if (image.kind === 'failed') {
    const reason = nameReason(image);
    const what =
      reason === 'network-missing' ? `${rollout.version} cannot start` : `Pulling ${rollout.version} failed`;
    const message = `${what} (${image.failure}: ${image.message}); trying again in ${formatRoughly(image.retryAt - now)}.`;
    const next = { what: reason === 'network-missing' ? 'look again' : 'pull', at: image.retryAt };
    return { reason, message, next, isPlanned: false };
  }
  const progress = image.kind === 'pulling' && image.progress !== '' ? `: ${image.progress}` : '';
  const message = `Resolving and pulling ${rollout.version}${progress}.`;
  return { reason: 'image-pulling', message, next: null, isPlanned: false };
}
