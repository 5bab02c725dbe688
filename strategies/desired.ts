// Does what is asked differ from what was last acted on? Then a rollout begins, and supersedes one that is under way.
import type { Handled, Observed } from './model.ts';
import { beginRollout, type Move } from './rollout.ts';
import type { World } from './world.ts';

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
  return { ...move, memory: { ...move.memory, handled: desired, answer: null } };
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

function isHandled(handled: Handled | null, desired: Handled): boolean {
  return (
    handled !== null &&
    handled.versionRevision === desired.versionRevision &&
    handled.settingsHash === desired.settingsHash
  );
}
