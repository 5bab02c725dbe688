// A 404 for an asset: a page of one revision asks for files that only the other one has. Both are asked then, one after
// the other, and the first 404 is the answer when neither has it.
import type { RequestHead } from '../clients/request.ts';
import type { TargetError } from '../errors.ts';
import { matchesAny } from '../table/glob.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Target } from '../table/target.ts';
import type { Held, Outcome } from './job.ts';

export function isAsset({ method, path, hasBody }: RequestHead, { assets }: ServiceSettings): boolean {
  if (assets.length === 0 || hasBody) return false;
  return (method === 'GET' || method === 'HEAD') && matchesAny(assets, path);
}

export interface Second {
  readonly target: Target;
  readonly outcome: Outcome;
}

/** Null when no other revision has it, or may be asked: then it is for the caller to go on with what is held. */
export async function askElsewhere(
  held: Held,
  revision: number,
  service: Service,
  tryOn: (target: Target) => Promise<Outcome | Held>,
): Promise<Second | null> {
  const other = service.claimOther(revision);
  if (other === null) return null;
  try {
    const outcome = await tryOn(other);
    const reason: TargetError | null = 'reason' in outcome ? outcome.reason : null;
    if (reason !== null) service.countersOf(other.revision)?.fail(reason);
    if (outcome.kind === 'held') outcome.abort();
    else if (isBegun(outcome)) {
      held.abort();
      // It has been counted here, for the target whose fault it was.
      const told = outcome.kind === 'broken' ? { ...outcome, reason: null } : outcome;
      return { target: other, outcome: told };
    }
    return null;
  } finally {
    other.release();
  }
}

/** Something of it has gone to the client, or nobody is there to get it. */
function isBegun({ kind }: Outcome): boolean {
  return kind === 'answered' || kind === 'broken' || kind === 'client-gone';
}
