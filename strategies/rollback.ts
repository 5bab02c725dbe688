// Where a rollback goes, and which digests must not be tried again.
// INVARIANTS: a return to the stable revision has no verdict of its own, so a rollback is never rolled back; a digest
// that the stable revision runs is never put into quarantine.
import type { Memory, Reason, Revision, Verdict } from './model.ts';
import { findRevision, type World } from './world.ts';

const CONDEMNING: readonly Reason[] = [
  'probe-failed',
  'container-exited',
  'out-of-memory',
  'container-start-failed',
  'progress-deadline',
];

/** The candidate itself is to blame, by evidence, not the registry, the engine, a proxy or the operator. */
export function isCondemning({ reason, evidence }: Pick<Verdict, 'reason' | 'evidence'>): boolean {
  return reason !== null && evidence.length > 0 && CONDEMNING.includes(reason);
}

export type Target =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly why: string };

/** `to`: a revision number, or null for the stable revision before this one. */
export function findRollbackTarget(world: World, to: number | null): Target {
  const { memory, observed } = world;
  if (to !== null) return checkTarget(world, findRevision(observed, to), `revision ${to}`);
  const earlier = [...memory.formerly].reverse().find((number) => findRevision(observed, number) !== null);
  if (earlier === undefined) return { ok: false, why: 'There is no earlier stable revision to go back to.' };
  return checkTarget(world, findRevision(observed, earlier), `revision ${earlier}`);
}

function checkTarget({ memory, observed }: World, revision: Revision | null, name: string): Target {
  if (revision === null) return { ok: false, why: `There is no ${name}; see slipway history.` };
  if (revision.number === memory.stable && memory.rollout === null) {
    return { ok: false, why: `${capitalise(name)} is the stable revision already.` };
  }
  if (observed.quarantined.includes(revision.digest)) {
    const { version } = revision;
    const why = `${capitalise(name)} (${version}) failed here before and is in quarantine; release ${version} and retry to run it again.`;
    return { ok: false, why };
  }
  return { ok: true, revision };
}

/** Earlier stable revisions after `next` became stable: going back shortens the list, going on extends it. */
export function recordFormer(memory: Memory, next: number): readonly number[] {
  const known = memory.formerly.indexOf(next);
  if (known >= 0) return memory.formerly.slice(0, known);
  if (memory.stable === null || memory.stable === next) return memory.formerly;
  return [...memory.formerly, memory.stable];
}

/**
 * Revisions outside the window: of `history` places the stable one and the one before it have the first two, the newest
 * the others; and whatever runs or may run stays. History 2, stable 9 after 6, with 7 and 8 rolled back: 9 and 6 stay.
 */
export function findForgotten(
  revisions: readonly Revision[],
  history: number,
  memory: Memory,
): readonly number[] {
  const kept = new Set<number | undefined>([
    memory.stable ?? undefined,
    memory.rollout?.revision,
    memory.warm?.revision,
  ]);
  for (const revision of Object.values(memory.manual?.revisions ?? {})) kept.add(revision);
  const rank = (number: number): number => {
    if (number === memory.stable) return 0;
    return number === memory.formerly.at(-1) ? 1 : 2;
  };
  const ranked = [...revisions].sort((a, b) => rank(a.number) - rank(b.number) || b.number - a.number);
  return ranked.slice(Math.max(1, history)).flatMap(({ number }) => (kept.has(number) ? [] : [number]));
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
