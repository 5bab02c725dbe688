// Does what is asked differ from what was last acted on? Then a rollout begins, and supersedes one that is under way.
import type { Handled, Memory, Observed, Reason, Revision } from './model.ts';
import { beginRollout, type Move } from './rollout.ts';
import { findRevision, type World } from './world.ts';

/** Null while nothing new is asked, or while a freeze or manual weights hold it back. */
export function beginDesired(world: World): Move | null {
  const { observed, memory } = world;
  const desired = readDesired(observed);
  if (desired === null || observed.freeze !== null || memory.manual !== null) return null;
  if (isHandled(memory.handled, desired)) return null;
  const isNewVersion = memory.handled?.versionRevision !== desired.versionRevision;
  const move = beginRollout(world, {
    kind: 'release',
    version: desired.version,
    requested: isNewVersion ? desired.versionRevision : observed.specRevision,
    insists: false,
    existing: null,
  });
  return { ...move, memory: { ...move.memory, handled: desired, answer: fadeAnswer(world) } };
}

// A request outdates what was said before it, not what is said in the same pass; whoever waits for the answer knows it
// by its number.
function fadeAnswer({ observed, memory }: World): Memory['answer'] {
  const { answer } = memory;
  const isNew = answer?.command !== observed.memory.answer?.command;
  return answer === null || isNew ? answer : { ...answer, text: '', refused: false };
}

export function readDesired({ version, settingsHash }: Observed): Handled | null {
  if (version === null || !version.value.ok) return null;
  return { version: version.value.value, versionRevision: version.revision, settingsHash };
}

/** Something is asked that has not been acted on. */
export function isPending(world: World): boolean {
  const desired = readDesired(world.observed);
  return desired !== null && !isHandled(world.memory.handled, desired);
}

export interface Unmet {
  /** Of what is asked for, where it is known. */
  readonly digest: string | null;
  readonly reason: Reason | null;
  readonly message: string;
}

/**
 * What was asked for and acted on, and does not run: the last release did not make it, or the stable revision is another
 * one by version or settings, whatever was restarted or gone back to since. A tag may have moved: then only the last
 * rollout knows.
 */
export function findUnmet({ observed, memory }: World): Unmet | null {
  const { last } = memory;
  if (last?.kind === 'release' && last.outcome !== 'succeeded' && last.outcome !== 'superseded') {
    const { version, digest, reason, outcome } = last;
    return { digest, reason, message: `${version} ended as ${outcome}: ${last.message}` };
  }
  const desired = readDesired(observed);
  const stable = findRevision(observed, memory.stable);
  if (desired === null || isSame(stable, desired)) return null;
  const tried = observed.revisions.findLast((revision) => isSame(revision, desired));
  const what = `${desired.version}${stable?.version === desired.version ? ' with other settings' : ''}`;
  const message = `${what} is asked for; retry runs it.`;
  return { digest: tried?.digest ?? null, reason: null, message };
}

function isSame(revision: Revision | null, { version, settingsHash }: Handled): boolean {
  return revision?.version === version && revision.settingsHash === settingsHash;
}

function isHandled(handled: Handled | null, desired: Handled): boolean {
  return (
    handled !== null &&
    handled.versionRevision === desired.versionRevision &&
    handled.settingsHash === desired.settingsHash
  );
}
