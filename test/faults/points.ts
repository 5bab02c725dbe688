// The places where a fault can be put into a rollout: each call of the controller, to the engine and to etcd. Whatever
// the fault, the rollout must end as if nothing had been.

import { sample } from '../support/random.ts';
import type { FaultKind, Side } from './gate.ts';
import type { Rig } from './rig.ts';
import { runUndisturbed, runWithFault } from './run.ts';
import type { Story } from './story.ts';

export interface Baseline {
  readonly story: Story;
  readonly end: string;
  readonly calls: Readonly<Record<Side, number>>;
}

export interface Point {
  readonly baseline: Baseline;
  readonly side: Side;
  readonly nth: number;
  readonly kind: FaultKind;
}

export interface Verdict {
  readonly point: string;
  /** Null of a rollout without a fault. */
  readonly kind: FaultKind | null;
  /** The call at which it struck; null when that rollout made fewer. */
  readonly struck: string | null;
  readonly problems: readonly string[];
  /** What was sent through the proxy meanwhile. */
  readonly requests: number;
}

export function isKill({ kind }: Verdict): boolean {
  return kind !== null && KILLS.includes(kind);
}

const SIDES: readonly Side[] = ['engine', 'etcd'];
export const KILLS: readonly FaultKind[] = ['kill-before', 'kill-after'];
export const OTHERS: readonly FaultKind[] = ['delay', 'black-hole', 'error', 'truncate', 'cut-streams'];

/** What to compare with; a verdict where not even that holds. */
export async function measureBaseline(rig: Rig, story: Story): Promise<Baseline | Verdict> {
  const point = `${nameStory(story)}: undisturbed`;
  try {
    const { end, calls, problems, requests } = await runUndisturbed(rig, story);
    if (problems.length > 0) return { point, kind: null, struck: '-', problems, requests };
    const count = (side: Side) => calls.filter((call) => call.side === side).length;
    return { story, end, calls: { engine: count('engine'), etcd: count('etcd') } };
  } catch (error) {
    return describeFailure(rig, point, null, error);
  }
}

export function listPoints(baseline: Baseline, kinds: readonly FaultKind[]): readonly Point[] {
  return SIDES.flatMap((side) =>
    Array.from({ length: baseline.calls[side] }, (_, index) =>
      kinds.map((kind) => ({ baseline, side, nth: index + 1, kind })),
    ).flat(),
  );
}

/** So many of each kind. */
export function samplePoints(
  baseline: Baseline,
  kinds: readonly FaultKind[],
  count: number,
  random: () => number,
): readonly Point[] {
  return kinds.flatMap((kind) => sample(listPoints(baseline, [kind]), count, random));
}

/** Never throws: a rollout that does not end at all is a problem like any other. */
export async function tryPoint(rig: Rig, point: Point): Promise<Verdict> {
  const { baseline, side, nth, kind } = point;
  const name = namePoint(point);
  try {
    const fault = { kind, nth, of: (call: { side: Side }) => call.side === side };
    const { struck, problems, requests } = await runWithFault(rig, baseline.story, fault, baseline.end);
    return { point: name, kind, struck: struck?.what ?? null, problems, requests };
  } catch (error) {
    return describeFailure(rig, name, kind, error);
  }
}

function describeFailure(rig: Rig, point: string, kind: FaultKind | null, error: unknown): Verdict {
  const problems = [String(error), rig.slipway.log().slice(-4_000)];
  return { point, kind, struck: '?', problems, requests: 0 };
}

export function namePoint({ baseline, side, nth, kind }: Point): string {
  return `${nameStory(baseline.story)}: ${kind} at ${side} call ${nth}`;
}

export function nameStory({ strategy, kind }: Story): string {
  return `${strategy} ${kind}`;
}

/** `crash points: 12 tried, 12 held, 1 beyond the last call; 834 requests beside them` */
export function countHeld(what: string, verdicts: readonly Verdict[]): string {
  const tried = verdicts.filter(({ struck }) => struck !== null);
  const held = tried.filter(({ problems }) => problems.length === 0);
  const requests = verdicts.reduce((sum, each) => sum + each.requests, 0);
  const beyond = verdicts.length - tried.length;
  const left = beyond === 0 ? '' : `, ${beyond} beyond the last call`;
  return `${what}: ${tried.length} tried, ${held.length} held${left}; ${requests} requests beside them`;
}
