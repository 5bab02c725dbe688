// The records of revisions are the list of images that may have to go: a record goes when its image has gone, so that a
// removal that failed, or that a crash cut off, is made again.
//
// INVARIANT: no image goes for a decision that has not landed.
import type { Plan } from '../../strategies/model.ts';
import type { Desired } from './desired.ts';
import type { Engine } from './engine.ts';

/** The plan without the deletions that must wait for their images. */
export function retainUnpruned(
  { service, revisions, record }: Desired,
  plan: Plan,
  engine: Pick<Engine, 'pruneImages'>,
): Plan {
  const { forget: outdated = [], ...writes } = plan.writes;
  const isRetired = writes.retired === true;
  const hasLanded = record.memory.rollout === null;
  const isToGo = (number: number) => isRetired || (hasLanded && outdated.includes(number));
  const drop = revisions.filter(({ number }) => isToGo(number));
  const keep = revisions.filter(({ number }) => !isToGo(number)).map(({ reference }) => reference);
  const gone = engine.pruneImages(service, keep, drop);
  const ready = drop.filter(({ reference }) => gone.has(reference)).map(({ number }) => number);
  if (!isRetired) return { ...plan, writes: ready.length > 0 ? { ...writes, forget: ready } : writes };
  if (ready.length === drop.length) return plan;
  // The route goes last of all, with the rest.
  const { retired: _, route: __, ...meanwhile } = writes;
  return { ...plan, writes: meanwhile, report: { ...plan.report, message: sayRemoving(drop.length) } };
}

function sayRemoving(count: number): string {
  return `The spec is gone: removing ${count === 1 ? 'an image' : `${count} images`}.`;
}
