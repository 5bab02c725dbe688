// Judges what became of one request (a version or a command that was written at one etcd revision) from the service's
// keys. Pure. A request that has no verdict yet is `waiting`; only the caller's clock turns that into a time-out.
import type { Outcome } from '../../strategies/model.ts';
import type { FinishedDocument, StatusDocument } from './documents.ts';
import { EXIT, EXIT_OF_OUTCOME, type ExitCode } from './exit.ts';
import type { ServiceView } from './service.ts';

export interface Request {
  readonly kind: 'version' | 'command';
  /** The etcd revision of the write. */
  readonly revision: number;
  /** What was asked for; null for a command. */
  readonly version: string | null;
}

export type Judgement =
  /** `rollout`: the id of the rollout that carries the request, once it is known. */
  { readonly kind: 'waiting'; readonly rollout: string | null } | Ended;

export interface Ended {
  readonly kind: 'ended';
  readonly outcome: Outcome | 'refused' | 'invalid';
  readonly exit: ExitCode;
  readonly reason: string | null;
  readonly message: string;
  readonly finished: FinishedDocument | null;
}

/** `followed` is the rollout that an earlier judgement of this request named. */
export function judgeRequest(request: Request, view: ServiceView, followed: string | null): Judgement {
  const { status } = view;
  const past = status?.last ? [status.last, ...view.history] : view.history;
  const finished = past.find((one) => one.id === followed || one.requested === request.revision);
  if (finished) return endAs(finished, request);
  const seen = status?.observed[request.kind] ?? 0;
  if (status === null || seen < request.revision) return { kind: 'waiting', rollout: followed };
  if (isReplaced(request, view, seen)) return endSuperseded(view);
  if (status.rollout) return { kind: 'waiting', rollout: findCarrier(request, status, followed) };
  return request.kind === 'version' ? judgeVersion(request, status) : judgeCommand(status);
}

function isReplaced(request: Request, view: ServiceView, seen: number): boolean {
  return (
    request.kind === 'version' && seen > request.revision && view.version?.value.trim() !== request.version
  );
}

/** The rollout under way carries the request when it was started by it, or by an equal one before it. */
function findCarrier(request: Request, status: StatusDocument, followed: string | null): string | null {
  const { rollout, candidate } = status;
  if (rollout === null) return followed;
  const isEqual = request.kind === 'command' || candidate?.version === request.version;
  return rollout.requested === request.revision || isEqual ? rollout.id : followed;
}

/** Seen by the controller, and no rollout came of it, or none any more. */
function judgeVersion(request: Request, status: StatusDocument): Judgement {
  if (status.phase === 'invalid') return end('invalid', EXIT.invalid, status);
  if (status.phase === 'frozen') return end('refused', EXIT.refused, status);
  if (status.phase === 'retiring') return end('failed', EXIT.failed, status);
  if (status.reason === 'quarantined' || status.reason === 'manual-weights') {
    return end('refused', EXIT.refused, status);
  }
  if (status.stable?.version === request.version) return end('succeeded', EXIT.done, status);
  if (status.last?.version === request.version) return endAs(status.last, request);
  return { kind: 'waiting', rollout: null };
}

function judgeCommand(status: StatusDocument): Judgement {
  if (status.phase === 'frozen') return end('refused', EXIT.refused, status);
  if (status.reason === 'quarantined') return end('refused', EXIT.refused, status);
  if (status.phase === 'failed') return end('failed', EXIT.failed, status);
  return end('succeeded', EXIT.done, status);
}

function end(outcome: Ended['outcome'], exit: ExitCode, { reason, message }: StatusDocument): Ended {
  return { kind: 'ended', outcome, exit, reason, message, finished: null };
}

/** Not every outcome means the same to whoever asked: see the two exceptions. */
function endAs(finished: FinishedDocument, request: Request): Ended {
  const { outcome, reason, message } = finished;
  // A digest in quarantine never ran: whatever the rollout ended as, the request was refused.
  if (reason === 'quarantined') {
    return { kind: 'ended', outcome: 'refused', exit: EXIT.refused, reason, message, finished };
  }
  // Whoever asked to turn a rollout back has got it.
  const isWish = request.kind === 'command' && reason === 'rollback-requested';
  const exit = isWish ? EXIT.done : EXIT_OF_OUTCOME[outcome];
  return { kind: 'ended', outcome, exit, reason, message, finished };
}

function endSuperseded(view: ServiceView): Ended {
  const now = view.version?.value.trim() ?? 'none';
  const message = `Another version was asked for meanwhile: ${now}.`;
  return {
    kind: 'ended',
    outcome: 'superseded',
    exit: EXIT.superseded,
    reason: 'superseded',
    message,
    finished: null,
  };
}
