// Follows one request to its verdict, with progress, and says how it ended. Changes nothing: leaving early leaves the
// rollout as it is.
import type { Client } from './client.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit.ts';
import { followPrefix } from './follow.ts';
import type { Outside } from './outside.ts';
import { describeView, makeProgress } from './progress.ts';
import { readService, type ServiceView } from './service.ts';
import { type Ended, judgeRequest, type Request } from './verdict.ts';
import { computeProgress, describeEnd, describeProgress } from './words.ts';

export interface Following {
  readonly service: string;
  readonly request: Request;
  readonly timeoutMs: number;
  readonly output: 'text' | 'json';
}

/** Prints the verdict and returns its exit code. */
export async function followToEnd(outside: Outside, client: Client, following: Following): Promise<ExitCode> {
  const subject = `${following.service} ${following.request.version ?? ''}`.trim();
  const { view, ended } = await awaitVerdict(outside, client, following, subject);
  if (ended === null) throw explainLeaving(outside, following, view);
  if (following.output === 'json') {
    outside.out.write(`${JSON.stringify(toDocument(following, ended, view), null, 2)}\n`);
  } else {
    const lines = describeEnd(subject, ended, { stable: view?.status?.stable ?? null });
    const isKept = ended.outcome === 'refused' && following.request.kind === 'version';
    if (isKept) lines.push('  The version key stays set: it is what is asked for.');
    outside.out.write(`${lines.join('\n')}\n`);
  }
  return ended.exit;
}

interface Followed {
  readonly view: ServiceView | null;
  readonly ended: Ended | null;
}

async function awaitVerdict(
  outside: Outside,
  { store, keys }: Client,
  { service, request, timeoutMs, output }: Following,
  subject: string,
): Promise<Followed> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), timeoutMs);
  const signal = AbortSignal.any([outside.signal, clock.signal]);
  const progress = makeProgress(outside, subject, output);
  let view: ServiceView | null = null;
  let rollout: string | null = null;
  try {
    for await (const snapshot of followPrefix(store, keys.service(service), signal)) {
      view = readService(keys, service, snapshot);
      const judgement = judgeRequest(request, view, rollout);
      if (judgement.kind === 'ended') return { view, ended: judgement };
      rollout = judgement.rollout;
      progress.show(
        isSeen(request, view) ? describeView(view) : 'waiting for the controller',
        computeProgress(view),
      );
    }
    return { view, ended: null };
  } finally {
    clearTimeout(timer);
    progress.close();
  }
}

function explainLeaving(
  outside: Outside,
  { service, request }: Following,
  view: ServiceView | null,
): CommandFailure {
  const now = view?.status ? ` It is now: ${describeProgress(view.status)}` : '';
  const next = `Watch it with \`slipway status ${service} --watch\`, stop it with \`slipway abort ${service}\`.`;
  if (outside.signal.aborted) {
    return new CommandFailure(EXIT.interrupted, `The rollout of ${service} goes on. ${next}`);
  }
  const unseen = ' No controller has taken notice of the request: see `slipway doctor`.';
  const why = isSeen(request, view) ? '' : unseen;
  return new CommandFailure(
    EXIT.timedOut,
    `Timed out; the rollout of ${service} goes on.${why}${now}\n${next}`,
  );
}

function isSeen({ kind, revision }: Request, view: ServiceView | null): boolean {
  return (view?.status?.observed[kind] ?? 0) >= revision;
}

function toDocument({ service, request }: Following, ended: Ended, view: ServiceView | null) {
  return {
    service,
    version: request.version,
    requested: request.revision,
    outcome: ended.outcome,
    exitCode: ended.exit,
    reason: ended.reason,
    message: ended.message,
    stable: view?.status?.stable ?? null,
    rollout: ended.finished,
    evidence: ended.finished?.evidence ?? [],
  };
}
