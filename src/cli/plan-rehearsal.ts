// Plays a service's next rollout to its end in a small world in memory, where every action succeeds at once and time
// passes as the plans want it to. Uses the same decisions as the controller; touches nothing. Pure.
import { decide } from '../../strategies/decide.ts';
import { describeAction, describeRoute, formatDuration } from '../../strategies/describe.ts';
import { assumeReady } from '../../strategies/health.ts';
import type { Action, Observed, Plan, Replica, ServiceSpec } from '../../strategies/model.ts';

export interface RehearsedStep {
  /** `start web-r4-1`, `route r3 90 r4 10`, `hold 10m`, `succeeded web-4-17`. */
  readonly what: string;
  /** Milliseconds since the rehearsal began. */
  readonly afterMs: number;
}

export interface Rehearsal {
  readonly steps: readonly RehearsedStep[];
  /** What the service says of itself in the end. */
  readonly message: string;
  readonly reason: string | null;
  /** False: it did not come to rest, and `message` says what it waits for. */
  readonly isEnded: boolean;
}

/** More passes than any rollout of a spec within its limits takes. */
const MOST_PASSES = 5000;

export function rehearse(spec: ServiceSpec, observed: Observed, startedAt: number): Rehearsal {
  const steps: RehearsedStep[] = [];
  const startsWith = observed.route === null ? 'route none' : describeRoute(observed.route.value);
  let [world, now] = [observed, startedAt];
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const plan = decide(spec, world, now);
    addMoves(steps, plan, startsWith, now - startedAt);
    const next = applyPlan(world, plan, now);
    const isMoving = plan.actions.length > 0 || JSON.stringify(next) !== JSON.stringify(world);
    world = next;
    if (isMoving) continue;
    const turn = waitOn(plan, world, now);
    if (turn === null) return finish(steps, plan, true);
    if (turn === 'stuck') return finish(steps, plan, false);
    addHold(steps, turn.what, now - startedAt);
    world = turn.world;
    now = turn.now;
  }
  throw new Error(`rehearsing ${observed.service} does not come to rest after ${MOST_PASSES} passes`);
}

function finish(steps: readonly RehearsedStep[], { report }: Plan, isEnded: boolean): Rehearsal {
  return { steps, message: report.message, reason: report.reason, isEnded };
}

/** A table that splits as before is no step for a reader: it was rewritten for its roles. */
function addMoves(steps: RehearsedStep[], plan: Plan, startsWith: string, afterMs: number): void {
  for (const what of describeMoves(plan)) {
    const before = steps.findLast((step) => step.what.startsWith('route '))?.what ?? startsWith;
    if (what !== before) steps.push({ what, afterMs });
  }
}

function describeMoves({ writes, actions }: Plan): string[] {
  return [
    ...(writes.route === undefined ? [] : [describeRoute(writes.route)]),
    ...actions.map(describeAction),
    ...(writes.finished ?? []).map(({ outcome, id }) => `${outcome} ${id}`),
  ];
}

interface Turn {
  readonly what: string;
  readonly world: Observed;
  readonly now: number;
}

/** Nothing moves any more: time passes, or an operator's word is needed, or the rehearsal is over (null). */
function waitOn({ report, wakeAt, memory }: Plan, world: Observed, now: number): Turn | 'stuck' | null {
  if (memory.rollout === null && memory.warm === null) return null;
  if (report.reason === 'waiting-for-promotion') {
    const command = {
      value: { ok: true, value: { word: 'promote', to: null } },
      revision: nextRevision(world),
    } as const;
    return { what: 'wait for `promote`', world: { ...world, command }, now };
  }
  const isGivenUp = memory.rollout !== null && wakeAt !== null && wakeAt >= memory.rollout.deadline;
  if (wakeAt === null || isGivenUp || report.phase === 'paused') return 'stuck';
  return {
    what: `hold ${formatDuration(wakeAt - now)} (${report.reason ?? 'keep the old'})`,
    world,
    now: wakeAt,
  };
}

/** Several waits for one reason read as one. */
function addHold(steps: RehearsedStep[], what: string, afterMs: number): void {
  const last = steps.at(-1);
  if (last?.what !== what) steps.push({ what, afterMs });
}

function nextRevision({ route, version, specRevision }: Observed): number {
  return Math.max(specRevision, version?.revision ?? 0, route?.revision ?? 0) + 1;
}

function applyPlan(before: Observed, plan: Plan, now: number): Observed {
  const { writes, memory } = plan;
  const created = new Date(now).toISOString();
  const forgotten = writes.forget ?? [];
  const revisions = [...before.revisions, ...(writes.revisions ?? []).map((one) => ({ ...one, created }))];
  const after: Observed = {
    ...before,
    memory,
    command: writes.consume === undefined ? before.command : null,
    revisions: revisions.filter(({ number }) => !forgotten.includes(number)),
    quarantined: before.quarantined.filter((digest) => digest !== writes.unquarantine),
    route: applyRoute(before, writes.route),
  };
  return plan.actions.reduce((world, action) => applyAction(world, action, now), after);
}

function applyRoute(before: Observed, route: Plan['writes']['route']): Observed['route'] {
  if (route === undefined) return before.route;
  return route === null ? null : { value: route, revision: nextRevision(before) };
}

function applyAction(world: Observed, action: Action, now: number): Observed {
  switch (action.kind) {
    case 'resolve-image': {
      const digest = findDigest(world, action.version);
      const image = { kind: 'resolved', digest, reference: `${action.image}@${digest}` } as const;
      return { ...world, images: { ...world.images, [action.id]: image } };
    }
    case 'start': {
      const { name, revision, ordinal } = action;
      const kept = world.replicas.filter((replica) => replica.name !== name);
      const port = revision.settings.port;
      return {
        ...world,
        replicas: [...kept, makeReplica({ name, revision: revision.number, ordinal, port, now })],
      };
    }
    case 'stop':
    case 'remove':
      return { ...world, replicas: world.replicas.filter((replica) => replica.name !== action.name) };
  }
}

/** A version that ran before is taken to be the same image still; a new one is an image of its own. */
function findDigest({ revisions }: Observed, version: string): string {
  if (version.startsWith('sha256:')) return version;
  return revisions.findLast((revision) => revision.version === version)?.digest ?? `sha256:${version}`;
}

export interface ReplicaFacts {
  readonly name: string;
  readonly revision: number;
  readonly ordinal: number;
  readonly port: number | null;
  readonly now: number;
  readonly address?: string;
}

/** Running and ready since `now`. */
export function makeReplica({ name, revision, ordinal, port, now, address }: ReplicaFacts): Replica {
  return {
    id: name,
    name,
    revision,
    ordinal,
    state: 'running',
    address: port === null ? null : (address ?? `${name}:${port}`),
    startedAt: now,
    exitCode: null,
    outOfMemory: false,
    restarts: 0,
    error: null,
    probe: assumeReady(now),
    stopping: false,
  };
}
