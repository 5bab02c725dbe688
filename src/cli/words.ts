// Sentences and lines for people, without colour: evidence, verdicts, one line of a status. Pure.
import { formatRoughly } from '../../strategies/describe.ts';
import type { Evidence } from '../../strategies/model.ts';
import type { FinishedDocument, RoleDocument, StatusDocument } from './documents.ts';
import type { Ended } from './verdict.ts';

const LOG_LINES = 10;

const OUTCOME_WORDS = {
  succeeded: 'succeeded',
  'rolled-back': 'rolled back',
  failed: 'failed',
  superseded: 'superseded',
  aborted: 'aborted',
  refused: 'refused',
  invalid: 'invalid',
} as const satisfies Record<Ended['outcome'], string>;

export function describeOutcome(outcome: Ended['outcome']): string {
  return OUTCOME_WORDS[outcome];
}

/** The verdict on a request with all that backs it. */
export function describeEnd(
  subject: string,
  ended: Ended,
  view: { readonly stable: RoleDocument | null },
): string[] {
  const took = ended.finished === null ? '' : ` after ${describeTook(ended.finished)}`;
  const why = ended.reason === null ? '' : ` (${ended.reason})`;
  const lines = [`${subject}: ${describeOutcome(ended.outcome)}${took}${why}`];
  if (ended.message !== '') lines.push(`  ${ended.message}`);
  if (view.stable !== null && ended.outcome !== 'succeeded') {
    lines.push(`  ${view.stable.version} (revision ${view.stable.revision}) serves.`);
  }
  return [...lines, ...(ended.finished?.evidence ?? []).flatMap((one) => describeEvidence(one))];
}

export function describeTook({ started, ended }: FinishedDocument): string {
  return formatRoughly(Date.parse(ended) - Date.parse(started));
}

export function describeEvidence(evidence: Evidence): string[] {
  const facts = [
    evidence.probe === null ? null : `probe: ${evidence.probe}`,
    evidence.exitCode === null ? null : `exit code ${evidence.exitCode}`,
    evidence.outOfMemory ? 'out of memory' : null,
  ].filter((fact) => fact !== null);
  const head = `  ${evidence.replica}: ${facts.length === 0 ? 'no probe result, no exit code' : facts.join('; ')}`;
  return [head, ...evidence.log.slice(-LOG_LINES).map((line) => `    | ${printable(line)}`)];
}

/** A container's words must not drive the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '·');
}

/** `2/3 ready · 10 % · step 2/5 pause 1h · Holding at 10 %.` */
export function describeProgress(status: StatusDocument): string {
  const { candidate, step } = status;
  const parts = [
    status.phase,
    candidate === null ? null : `${candidate.replicas.ready}/${candidate.replicas.wanted} ready`,
    candidate === null ? null : `${candidate.weight.effective} %`,
    step === null ? null : `step ${step.index + 1}/${step.count} ${step.what}`,
    printable(status.message),
  ];
  return parts.filter((part) => part !== null && part !== '').join(' · ');
}

/** How far a rollout is, from 0 to 100: half for replicas, half for weight. */
export function computeProgress({ status }: { readonly status: StatusDocument | null }): number {
  const candidate = status?.candidate ?? null;
  if (candidate === null) return 0;
  const { wanted, ready } = candidate.replicas;
  const started = wanted === 0 ? 0 : Math.min(1, ready / wanted);
  return Math.round(50 * started + 0.5 * candidate.weight.effective);
}

/** `3m`, `2h`, `5d`: how long ago, short enough for a table. */
export function formatAge(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** `1 key`, `2 keys`. */
export function countThings(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
