// Manual weights: while the operator's split exists the strategy is suspended, every listed version runs, and the
// proxies follow. A split that cannot be had changes nothing.
import { computeStepReplicas } from './budget.ts';
import { type Goal, goalOf } from './course.ts';
import type { ImageState, ManualSplit, Memory, Revision, Written } from './model.ts';
import { isHopeless } from './resolving.ts';
import { type Move, shiftTimes, stay } from './rollout.ts';
import { aliveOf, findFreeNumber, readyOf, revisionsPresent, type World } from './world.ts';

type Weights = Written<Readonly<Record<string, number>>>;

/** Takes up a new split, or hands control back when the key is gone. Null: nothing changes. */
export function followWeights(world: World): Move | null {
  const { weights } = world.observed;
  const { manual } = world.memory;
  if (weights === null) return manual === null ? null : handBack(world, manual);
  if (!weights.value.ok) return null;
  const wanted = { value: weights.value.value, revision: weights.revision };
  if (manual?.weightsRevision === wanted.revision) return null;
  return stay({ ...world.memory, manual: takeUp(world, wanted) });
}

function handBack(world: World, manual: ManualSplit): Move {
  const { rollout } = world.memory;
  if (rollout === null) return stay({ ...world.memory, manual: null });
  const until = rollout.paused?.since ?? world.now;
  const since = Math.max(manual.since, rollout.startedAt);
  const shifted = shiftTimes(rollout, Math.max(0, until - since));
  return stay({ ...world.memory, manual: null, rollout: shifted });
}

function takeUp(world: World, weights: Weights): ManualSplit {
  const { manual } = world.memory;
  return {
    weightsRevision: weights.revision,
    since: manual?.since ?? world.now,
    requested: weights.value,
    revisions: manual?.revisions ?? {},
    split: manual?.split ?? {},
    problem: null,
  };
}

/** The id under which a version of a manual split is resolved. */
export function nameManualImage(manual: ManualSplit, version: string): string {
  return `weights-${manual.weightsRevision}-${version}`;
}

/** Versions of the requested split that run nowhere yet and whose image is not known. */
export function findUnresolved(world: World, manual: ManualSplit): readonly string[] {
  return listVersions(manual).filter((version) => findKnown(world, manual, version) === null);
}

function listVersions(manual: ManualSplit): readonly string[] {
  return Object.entries(manual.requested).flatMap(([version, weight]) => (weight > 0 ? [version] : []));
}

function findKnown(world: World, manual: ManualSplit, version: string): Revision | null {
  const { observed, memory } = world;
  const named = observed.revisions.filter((r) => r.version === version);
  const preferred = [memory.stable, memory.rollout?.revision, manual.revisions[version]];
  return named.find((r) => preferred.includes(r.number)) ?? named.at(-1) ?? null;
}

/** The next move towards the requested split: a refusal, a new revision, or the split in force. */
export function advanceManual(world: World, manual: ManualSplit): Move | null {
  if (manual.problem !== null) return null;
  const refusal = findRefusal(world, manual);
  if (refusal !== null) return stay({ ...world.memory, manual: { ...manual, problem: refusal } });
  const created = createRevisions(world, manual);
  if (created.length > 0) return recordRevisions(world, created);
  if (findUnresolved(world, manual).length > 0) return null;
  return enforce(world, manual);
}

function findRefusal(world: World, manual: ManualSplit): string | null {
  for (const version of listVersions(manual)) {
    const image = world.observed.images[nameManualImage(manual, version)];
    const known = findKnown(world, manual, version);
    if (known === null && image?.kind === 'failed' && isHopeless(image)) {
      return `${version} cannot run (${image.failure}: ${image.message})`;
    }
    const digest = known?.digest ?? (image?.kind === 'resolved' ? image.digest : null);
    if (digest !== null && world.observed.quarantined.includes(digest)) {
      return `${version} is in quarantine; delete its quarantine key and set the weights again to run it`;
    }
  }
  return null;
}

function createRevisions(world: World, manual: ManualSplit): readonly Omit<Revision, 'created'>[] {
  const { spec, observed } = world;
  const first = nextNumber(world);
  const known = findUnresolved(world, manual).flatMap((version) => {
    const image: ImageState | undefined = observed.images[nameManualImage(manual, version)];
    return image?.kind === 'resolved' ? [{ version, image }] : [];
  });
  return known.map(({ version, image }, i) => ({
    number: first + i,
    version,
    image: spec.image,
    digest: image.digest,
    reference: image.reference,
    settingsHash: observed.settingsHash,
    settings: spec.settings,
    restart: 0,
  }));
}

// The number of a rollout whose image is not resolved yet is taken.
function nextNumber(world: World): number {
  const { nextRevision, rollout } = world.memory;
  return findFreeNumber(world, Math.max(nextRevision, (rollout?.revision ?? 0) + 1));
}

function recordRevisions(world: World, revisions: readonly Omit<Revision, 'created'>[]): Move {
  const nextRevision = nextNumber(world) + revisions.length;
  return { memory: { ...world.memory, nextRevision }, writes: { revisions } };
}

function enforce(world: World, manual: ManualSplit): Move | null {
  const revisions: Record<string, number> = {};
  for (const version of listVersions(manual)) {
    const known = findKnown(world, manual, version);
    if (known !== null) revisions[version] = known.number;
  }
  const isInForce =
    JSON.stringify([manual.split, manual.revisions]) === JSON.stringify([manual.requested, revisions]);
  if (isInForce) return null;
  const memory: Memory = { ...world.memory, manual: { ...manual, split: manual.requested, revisions } };
  return stay(memory);
}

/** Null until a split is in force: then the strategy's goal stands as it was. */
export function planManual(world: World): Goal | null {
  const { manual } = world.memory;
  if (manual === null || Object.keys(manual.split).length === 0) return null;
  const split: Record<number, number> = {};
  const wanted: Record<number, number> = {};
  for (const [version, revision] of Object.entries(manual.revisions)) {
    const weight = manual.split[version] ?? 0;
    split[revision] = weight;
    wanted[revision] = computeStepReplicas(world.spec.replicas, weight, null);
  }
  return goalOf(growFirst(world, wanted), split);
}

// Nothing shrinks before everything that grows is ready.
function growFirst(world: World, wanted: Readonly<Record<number, number>>): Goal['wanted'] {
  const isUp = Object.entries(wanted).every(([r, count]) => readyOf(world, Number(r)).length >= count);
  if (isUp) return wanted;
  const kept: Record<number, number> = { ...wanted };
  for (const revision of revisionsPresent(world)) {
    kept[revision] = Math.max(wanted[revision] ?? 0, aliveOf(world, revision).length);
  }
  return kept;
}
