// The status document and the history entry: the core's report as the JSON that people and programs read. Pure.
import { formatDuration } from '../../strategies/describe.ts';
import type {
  FinishedRollout,
  Phase,
  Plan,
  Reason,
  Report,
  Rollout,
  StrategyType,
} from '../../strategies/model.ts';
import type { Clock } from './clock.ts';
import type { Desired } from './desired.ts';

export interface StatusDocument {
  readonly service: string;
  readonly phase: Phase;
  readonly strategy: StrategyType | null;
  readonly version: string | null;
  readonly reason: Reason | null;
  readonly message: string;
  readonly next: { readonly what: string; readonly at: string | null } | null;
  readonly stable: Report['stable'];
  readonly candidate: Report['candidate'];
  readonly step: object | null;
  readonly rollout: object | null;
  readonly last: HistoryDocument | null;
  readonly observed: {
    readonly spec: number | null;
    readonly version: number | null;
    readonly weights: number | null;
    readonly command: number | null;
  };
  readonly problems?: readonly string[];
  readonly updated: string;
}

export interface HistoryDocument {
  readonly id: string;
  readonly kind: string;
  readonly strategy: string;
  readonly requested: number;
  readonly revision: number;
  readonly version: string;
  readonly digest: string | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly message: string;
  readonly started: string;
  readonly ended: string;
  readonly duration: string;
  readonly evidence: FinishedRollout['evidence'];
}

type ToWall = Clock['toWall'];

export function formatHistory(finished: FinishedRollout, toWall: ToWall): HistoryDocument {
  const { startedAt, endedAt, evidence, ...rest } = finished;
  return {
    ...rest,
    started: toTime(toWall(startedAt)),
    ended: toTime(toWall(endedAt)),
    duration: formatDuration(endedAt - startedAt),
    evidence,
  };
}

/** `now` by the controller's clock. */
export function formatStatus(desired: Desired, plan: Plan, now: number, toWall: ToWall): StatusDocument {
  const { report, memory } = plan;
  const asked = desired.version?.value;
  const base = {
    service: desired.service,
    strategy: memory.rollout?.strategy ?? desired.spec?.spec.strategy.type ?? null,
    version: asked?.ok === true ? asked.value : null,
    stable: report.stable,
    candidate: report.candidate,
    step: formatStep(report.step, toWall),
    rollout: memory.rollout === null ? null : formatRollout(memory.rollout, toWall),
    last: memory.last === null ? null : formatHistory(memory.last, toWall),
    observed: {
      spec: desired.specRevision === 0 ? null : desired.specRevision,
      version: desired.version?.revision ?? null,
      weights: desired.weights?.revision ?? null,
      command: memory.answer?.command ?? null,
    },
    updated: toTime(toWall(now)),
  };
  return { ...base, ...formatSaying(desired, plan, toWall) };
}

function formatSaying(desired: Desired, { report, memory }: Plan, toWall: ToWall) {
  const { reason, message, phase } = report;
  const next =
    report.next === null ? null : { what: report.next.what, at: toOptionalTime(report.next.at, toWall) };
  if (desired.specProblems.length === 0) return { phase, reason, message, next };
  const what = desired.specProblems.join('; ');
  const refused = memory.answer?.refused === true ? `Refused: ${memory.answer.text} ` : '';
  return {
    phase: 'invalid' as const,
    reason: 'invalid-spec' as const,
    message: `${refused}spec: ${what}. What runs goes on.`,
    next,
    problems: desired.specProblems,
  };
}

function formatStep(step: Report['step'], toWall: ToWall): object | null {
  if (step === null) return null;
  const { started, ends, ...rest } = step;
  return { ...rest, started: toTime(toWall(started)), ends: toOptionalTime(ends, toWall) };
}

function formatRollout(rollout: Rollout, toWall: ToWall): object {
  return {
    id: rollout.id,
    kind: rollout.kind,
    requested: rollout.requested,
    stage: rollout.stage,
    started: toTime(toWall(rollout.startedAt)),
    deadline: toTime(toWall(rollout.deadline)),
  };
}

/** What to write, or null: what stands there differs in the time of writing at most. */
export function formatNews(before: string | null, status: StatusDocument): string | null {
  const text = JSON.stringify(status);
  return before !== null && isSameButForTime(before, text) ? null : text;
}

function isSameButForTime(a: string, b: string): boolean {
  const mark = '"updated":"';
  const at = a.indexOf(mark);
  if (at < 0 || a.length !== b.length || !b.startsWith(mark, at)) return false;
  const rest = a.indexOf('"', at + mark.length);
  return a.slice(rest) === b.slice(rest) && a.slice(0, at) === b.slice(0, at);
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}

function toOptionalTime(at: number | null, toWall: ToWall): string | null {
  return at === null || !Number.isFinite(at) ? null : toTime(toWall(at));
}
