// One service explained in paragraphs: what it is doing or why it is not moving, since when, what comes next, the
// evidence, and the commands that help. Pure.
import { formatRoughly } from '../../strategies/describe.ts';
import type { StatusDocument } from './documents.ts';
import type { ServiceView } from './service.ts';
import { describeRole } from './status-table.ts';
import { describeEvidence, describeOutcome, describeTook, formatAge, printable } from './words.ts';

export interface Surroundings {
  /** Null when it may not be read. */
  readonly hasLeader: boolean | null;
  /** The reason of a freeze of all services. */
  readonly freezeAll: string | null;
  /** Why etcd takes no writes, or null. */
  readonly storeTrouble: string | null;
}

export function explainService(view: ServiceView, around: Surroundings, now: number): string[] {
  const paragraphs = [
    explainStore(around),
    explainController(around),
    view.status === null ? explainUnseen(view) : explainPhase(view.status, view, now),
    view.status === null ? null : explainRoles(view.status),
    explainHolds(view, around),
    view.status === null ? null : explainNext(view.status, now),
    view.status === null ? null : explainLast(view.status, now),
    suggest(view, around),
  ];
  return paragraphs.filter((paragraph) => paragraph !== null).filter((paragraph) => paragraph !== '');
}

function explainStore({ storeTrouble }: Surroundings): string | null {
  if (storeTrouble === null) return null;
  return `etcd refuses every write, so nothing moves until it is put right: ${printable(storeTrouble)}.`;
}

function explainController({ hasLeader }: Surroundings): string | null {
  if (hasLeader !== false) return null;
  return 'No controller leads, so nothing moves: what is below is what the last one wrote. Start `slipway serve`; `slipway doctor` says more.';
}

function explainUnseen({ service, version }: ServiceView): string {
  const asked =
    version === null ? 'No version has been asked for.' : `Asked for: ${printable(version.value.trim())}.`;
  return `${service} has a spec, and no controller has looked at it yet. ${asked}`;
}

function explainPhase(status: StatusDocument, view: ServiceView, now: number): string {
  const { service, phase, reason, message, rollout, step } = status;
  const began =
    rollout === null ? '' : ` since ${describeMoment(rollout.started, now)} (rollout ${rollout.id})`;
  const why = reason === null ? '' : `: ${reason}`;
  const lines = [`${service} is ${PHASE_WORDS[phase]}${began}${why}.`];
  if (message !== '') lines.push(printable(message));
  if (step !== null) {
    const held = formatRoughly(now - Date.parse(step.started));
    lines.push(`It is at step ${step.index + 1} of ${step.count}, \`${step.what}\`, for ${held}.`);
  }
  const asked = view.version?.value.trim();
  if (asked !== undefined && asked !== status.stable?.version && rollout === null) {
    lines.push(`Asked for is ${printable(asked)}, which is not what runs.`);
  }
  return lines.join('\n');
}

const PHASE_WORDS = {
  idle: 'idle',
  progressing: 'rolling out',
  paused: 'paused',
  monitoring: 'being watched after the switch',
  aborting: 'on its way back to the stable revision',
  failed: 'failed: nothing runs that was asked for, and there is nothing to return to',
  frozen: 'frozen',
  invalid: 'not acted upon, since what was asked for is invalid',
  retiring: 'being retired',
} as const satisfies Record<StatusDocument['phase'], string>;

function explainRoles({ stable, candidate }: StatusDocument): string {
  const lines = [
    stable === null ? 'No revision is stable yet.' : `Stable: ${describeRole(stable)}.`,
    candidate === null ? null : `Candidate: ${describeRole(candidate)}.`,
  ];
  return lines.filter((line) => line !== null).join('\n');
}

function explainHolds(
  { service, weights, freeze, command, quarantined }: ServiceView,
  { freezeAll }: Surroundings,
): string {
  const lines = [
    freezeAll === null ? null : `All services are frozen: ${printable(freezeAll)}`,
    freeze === null ? null : `${service} is frozen: ${printable(freeze.value.trim())}`,
    weights === null
      ? null
      : `A manual split rules and suspends the strategy: ${printable(weights.value.trim())}`,
    command === null ? null : `The command \`${printable(command.value.trim())}\` waits for the controller.`,
    quarantined.length === 0 ? null : `Quarantined here: ${quarantined.join(', ')}`,
  ];
  return lines.filter((line) => line !== null).join('\n');
}

function explainNext({ next, rollout }: StatusDocument, now: number): string {
  const lines: string[] = [];
  if (next !== null)
    lines.push(`Next: ${next.what}${next.at === null ? '' : `, ${describeMoment(next.at, now)}`}.`);
  if (rollout !== null) {
    lines.push(`Without progress it is given up ${describeMoment(rollout.deadline, now)}.`);
  }
  return lines.join('\n');
}

function explainLast({ last }: StatusDocument, now: number): string | null {
  if (last === null) return null;
  const reason = last.reason === null ? '' : ` (${last.reason})`;
  const head = `Last verdict: ${last.version} ${describeOutcome(last.outcome)}${reason} after ${describeTook(last)}, ${formatAge(last.ended, now)} ago.`;
  const message = last.message === undefined || last.message === '' ? [] : [printable(last.message)];
  return [head, ...message, ...last.evidence.flatMap(describeEvidence)].join('\n');
}

/** `in 5 minutes (2026-…)`, `3 minutes ago (2026-…)`. */
function describeMoment(time: string, now: number): string {
  const distance = Date.parse(time) - now;
  return distance >= 0
    ? `in ${formatRoughly(distance)} (${time})`
    : `${formatRoughly(-distance)} ago (${time})`;
}

function suggest(view: ServiceView, around: Surroundings): string | null {
  const commands = listCommands(view, around);
  if (commands.length === 0) return null;
  return `What you can do:\n${commands.map(([command, effect]) => `  ${command.padEnd(34)} ${effect}`).join('\n')}`;
}

type Suggestion = readonly [command: string, effect: string];

function listCommands(view: ServiceView, { freezeAll }: Surroundings): Suggestion[] {
  const { service, status } = view;
  const commands: Suggestion[] = [];
  if (freezeAll !== null) commands.push(['slipway unfreeze', 'let rollouts of all services start again']);
  if (view.freeze !== null) commands.push([`slipway unfreeze ${service}`, 'let rollouts start again']);
  if (view.weights !== null)
    commands.push([`slipway weights ${service} --clear`, 'hand control back to the strategy']);
  if (status === null) return [...commands, ['slipway doctor', 'check controller, engine and store']];
  return [...commands, ...listForStatus(service, status)];
}

function listForStatus(service: string, status: StatusDocument): Suggestion[] {
  const { phase, reason, rollout, last } = status;
  const commands: Suggestion[] = [];
  if (isWaiting(status)) commands.push([`slipway promote ${service}`, 'go on now']);
  if (phase === 'paused') commands.push([`slipway resume ${service}`, 'go on']);
  if (phase === 'progressing') commands.push([`slipway pause ${service}`, 'hold it where it is']);
  if (rollout !== null && phase !== 'aborting')
    commands.push([`slipway abort ${service}`, 'return to the stable revision']);
  if (phase === 'invalid')
    commands.push([`slipway validate -f FILE`, 'see every problem of a spec before applying it']);
  const isRetryable =
    rollout === null && (reason === 'quarantined' || (last !== null && last.outcome !== 'succeeded'));
  if (isRetryable) {
    commands.push([`slipway retry ${service}`, 'try the same version again']);
    commands.push([`slipway release ${service} VERSION`, 'ask for another version']);
  }
  if (rollout === null && status.stable !== null)
    commands.push([`slipway rollback ${service}`, 'return to the revision before']);
  return commands;
}

function isWaiting({ reason, phase }: StatusDocument): boolean {
  return reason === 'waiting-for-promotion' || reason === 'step-pause' || phase === 'monitoring';
}
