// A spec that is well written may still ask for what this daemon does not allow. That is found out before a pass uses it,
// so that nothing is stopped for a container that could not start; the check at each start stays the wall.
import type { ServiceSpec } from '../../strategies/model.ts';
import { type Desired, readAccepted } from './desired.ts';

/** Lines, one for each thing that is refused. */
export type Review = (spec: ServiceSpec) => Promise<readonly string[]>;

/**
 * A refused spec is like a spoilt one: the last one in force goes on. Where that is refused as well, as after a restart of
 * the daemon with a narrower policy, what runs stays, and nothing new begins.
 */
export async function reviewDesired(desired: Desired, review: Review): Promise<Desired> {
  const { spec, isSpecGone, specProblems, record, service } = desired;
  if (spec === null || isSpecGone) return desired;
  const refusals = await review(spec.spec);
  if (refusals.length === 0) return desired;
  if (specProblems.length > 0) return hold(desired, refusals);
  const accepted = readAccepted(record, service);
  const refused = { ...desired, spec: accepted, specProblems: refusals };
  if (accepted === null) return refused;
  const standing = accepted.text === spec.text ? refusals : await review(accepted.spec);
  return standing.length === 0 ? refused : hold(refused, standing);
}

function hold(desired: Desired, refusals: readonly string[]): Desired {
  const why = `this daemon refuses the spec in force (${refusals.join('; ')})`;
  return { ...desired, freeze: desired.freeze ?? why };
}
