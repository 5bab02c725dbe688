// Words for people: durations, counts, and one line per action. Used by tests, logs, `plan` and `explain`.
import type { Action, CanaryStep, Plan, RouteEntry } from './model.ts';

/** `90000` → `1m30s`; whole milliseconds, the form that the spec itself takes. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const;
  let left = Math.round(ms);
  let text = '';
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text;
}

/** `90000` → `2 minutes`; for sentences. */
export function formatRoughly(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 90) return countOf(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? countOf(minutes, 'minute') : countOf(Math.round(minutes / 60), 'hour');
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'resolve-image':
      return `resolve ${action.image}:${action.version}`;
    case 'start':
      return `start ${action.name}`;
    case 'stop':
      return `stop ${action.name}`;
    case 'remove':
      return `remove ${action.name}`;
  }
}

/** `route r3 90 r4 10`, `route r3 100, match r4`, `route none` (parked when a replica is coming), `route gone`. */
export function describeRoute(entry: RouteEntry | null): string {
  if (entry === null) return 'route gone';
  const parts = Object.entries(entry.split).map(([revision, weight]) => `r${revision} ${weight}`);
  if (parts.length > 0) return `route ${parts.join(' ')}${describeOffer(entry)}`;
  return entry.coming ? 'route none, park' : 'route none';
}

// A table from before there was such a thing has neither.
function describeOffer({ match = null, mirror = null }: Partial<RouteEntry>): string {
  const matched = match === null ? '' : `, match r${match.revision}`;
  return mirror === null ? matched : `${matched}, mirror r${mirror.revision} ${mirror.percent}`;
}

export function describeStep(step: CanaryStep): string {
  switch (step.kind) {
    case 'weight': {
      const trial = describeTrial(step);
      return [...(step.weight === 0 && trial.length > 0 ? [] : [`weight ${step.weight}`]), ...trial].join(
        ', ',
      );
    }
    case 'pause':
      return `pause ${formatDuration(step.durationMs)}`;
    case 'pause-manual':
      return 'pause manual';
  }
}

/** `match x-beta: yes`, `mirror 50`: what a step gives the candidate besides a weight. */
export function describeTrial({
  match,
  mirror = 0,
}: Pick<Extract<CanaryStep, { kind: 'weight' }>, 'match' | 'mirror'>): readonly string[] {
  const parts = [
    ...(match?.header === undefined ? [] : [`${match.header.name}: ${match.header.value}`]),
    ...(match?.cookie === undefined ? [] : [`${match.cookie.name}=${match.cookie.value}`]),
  ];
  return [
    ...(parts.length === 0 ? [] : [`match ${parts.join(' and ')}`]),
    ...(mirror === 0 ? [] : [`mirror ${mirror}`]),
  ];
}

/** One line per thing that the plan does, the writes first, as they are carried out. */
export function describePlan(plan: Plan, now: number): readonly string[] {
  const lines: string[] = [];
  if (plan.writes.route !== undefined) lines.push(describeRoute(plan.writes.route));
  for (const done of plan.writes.finished ?? []) lines.push(`${done.outcome} ${done.id}`);
  if (plan.writes.quarantine !== undefined) lines.push(`quarantine ${plan.writes.quarantine.digest}`);
  lines.push(...plan.actions.map(describeAction));
  if (plan.wakeAt !== null) lines.push(`wake +${formatDuration(Math.max(0, plan.wakeAt - now))}`);
  return lines;
}
