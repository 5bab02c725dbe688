// The table of services, and one service in full, as lines. Colour only where `paint` brings some.
import Table from 'cli-table3';
import type { Phase } from '../../strategies/model.ts';
import type { RoleDocument, StatusDocument } from './documents.ts';
import type { Paint } from './paint.ts';
import type { ServiceView } from './service.ts';
import { describeEvidence, describeOutcome, describeTook, formatAge, printable } from './words.ts';

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

const HEADINGS = ['SERVICE', 'PHASE', 'STABLE', 'CANDIDATE', 'READY', 'WEIGHT', 'REASON', 'AGE'];

/** Columns of text below headings, without borders. Not wrapped: a pipe has no width. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...headings],
    chars: BORDERLESS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

export function formatServices(views: readonly ServiceView[], now: number, paint: Paint): string {
  return formatTable(
    HEADINGS,
    views.map((view) => formatRow(view, now, paint)),
  );
}

function formatRow({ service, status, version }: ServiceView, now: number, paint: Paint): string[] {
  if (status === null) {
    const asked = version === null ? 'no version asked for' : `asked for ${version.value.trim()}`;
    return [service, '-', '-', '-', '-', '-', `no controller has seen it yet; ${printable(asked)}`, '-'];
  }
  const { stable, candidate } = status;
  const roles = [stable, candidate].filter((role) => role !== null);
  return [
    service,
    paintPhase(status.phase, paint),
    formatRole(stable),
    formatRole(candidate),
    roles.map(({ replicas }) => `${replicas.ready}/${replicas.wanted}`).join(' + ') || '-',
    roles.map(({ weight }) => weight.effective).join('/') || '-',
    status.reason ?? '-',
    formatAge(status.updated, now),
  ];
}

function formatRole(role: RoleDocument | null): string {
  return role === null ? '-' : `${role.version} r${role.revision}`;
}

export function paintPhase(phase: Phase, paint: Paint): string {
  switch (phase) {
    case 'idle':
      return paint.green(phase);
    case 'failed':
    case 'invalid':
      return paint.red(phase);
    case 'progressing':
    case 'monitoring':
      return paint.cyan(phase);
    case 'paused':
    case 'aborting':
    case 'frozen':
    case 'retiring':
      return paint.yellow(phase);
  }
}

/** One service in full. */
export function formatService(view: ServiceView, now: number, paint: Paint): string {
  const { service, status } = view;
  if (status === null) return `${service}: no status yet; no controller has seen it. See \`slipway doctor\`.`;
  const reason = status.reason === null ? '' : ` (${status.reason})`;
  const lines = [
    `${paint.bold(service)}  ${paintPhase(status.phase, paint)}${reason}`,
    ...(status.message === '' ? [] : [`  ${printable(status.message)}`]),
    ...formatFacts(status, view, now).map(([name, text]) => `  ${name.padEnd(11)}${text}`),
    ...(status.last?.evidence ?? []).flatMap(describeEvidence),
  ];
  return lines.join('\n');
}

function formatFacts(status: StatusDocument, view: ServiceView, now: number): (readonly [string, string])[] {
  const { next, step, rollout, last } = status;
  const facts: (readonly [string, string | null])[] = [
    ['asked for', view.version === null ? null : printable(view.version.value.trim())],
    ['strategy', status.strategy],
    ['stable', describeRole(status.stable)],
    ['candidate', describeRole(status.candidate)],
    ['step', step === null ? null : `${step.index + 1} of ${step.count}: ${step.what}${until(step.ends)}`],
    ['next', next === null ? null : `${next.what}${at(next.at)}`],
    ['rollout', rollout === null ? null : `${rollout.id}, began ${formatAge(rollout.started, now)} ago`],
    ['weights', view.weights === null ? null : `by hand: ${printable(view.weights.value.trim())}`],
    ['frozen', view.freeze === null ? null : printable(view.freeze.value.trim())],
    [
      'last',
      last === null
        ? null
        : `${last.version} ${describeOutcome(last.outcome)} after ${describeTook(last)}${why(last.reason)}`,
    ],
    ['updated', `${formatAge(status.updated, now)} ago`],
  ];
  return facts.flatMap(([name, text]) => (text === null ? [] : [[name, text] as const]));
}

export function describeRole(role: RoleDocument | null): string | null {
  if (role === null) return null;
  const { replicas, weight } = role;
  const desired = weight.desired === weight.effective ? '' : ` (wanted ${weight.desired} %)`;
  return `${role.version}, revision ${role.revision}: ${replicas.ready}/${replicas.wanted} ready, ${weight.effective} % of the traffic${desired}`;
}

function until(time: string | null): string {
  return time === null ? '' : `, until ${time}`;
}

function at(time: string | null): string {
  return time === null ? '' : ` at ${time}`;
}

function why(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}
