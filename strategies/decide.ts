// The decision: what is wanted and what was seen → what to write and what to do now. Total, deterministic, pure.
//
// INVARIANTS
// - The order is fixed: the operator's word, then manual weights, then what is newly asked, then the rollout's own notch.
// - Cascading moves are made in one pass, so that deciding twice equals deciding once.
// - The caller writes memory and route in one transaction before it carries out any action.
import { advanceRollout } from './advance.ts';
import { stepsOf } from './canary.ts';
import { consumeCommand } from './commands.ts';
import { converge, takeBack } from './converge.ts';
import type { Goal, Hold } from './course.ts';
import { beginDesired } from './desired.ts';
import { advanceManual, findUnresolved, followWeights, nameManualImage, planManual } from './manual.ts';
import type { Action, Memory, Observed, Plan, ServiceSpec, Writes } from './model.ts';
import { findStrike } from './progress.ts';
import { followProxies } from './proxies.ts';
import { reportWorld } from './report.ts';
import { nameImage, type WantedImage } from './resolving.ts';
import { findForgotten } from './rollback.ts';
import type { Move } from './rollout.ts';
import { planRoute } from './route.ts';
import { planSteady } from './standing.ts';
import { buildWorld, revisionsPresent, type World } from './world.ts';

export const EMPTY_MEMORY: Memory = {
  stable: null,
  nextRevision: 1,
  handled: null,
  rollout: null,
  last: null,
  formerly: [],
  draining: {},
  dismissed: [],
  warm: null,
  manual: null,
  healing: {},
  answer: null,
  proxies: {},
  overdue: null,
  failed: false,
};

/** More moves than any cascade needs but for a canary's steps, each of which may be passed at once. */
const MOVES_LIMIT = 16;

interface Settled {
  readonly world: World;
  readonly writes: Writes;
  readonly goal: Goal;
  readonly hold: Hold | null;
}

/** `now` is milliseconds since the epoch. Throws only when the core is broken. */
export function decide(spec: ServiceSpec, observed: Observed, now: number): Plan {
  const settled = settle(spec, observed, now);
  const { world, goal } = settled;
  const convergence = converge(world, goal);
  const route = planRoute(world, goal);
  const stands = observed.route?.value ?? null;
  const isRouteNew = JSON.stringify(route) !== JSON.stringify(stands);
  const { draining, dismissed, healing } = convergence;
  const writes = { ...settled.writes, ...forgetOld(world) };
  return {
    memory: { ...world.memory, draining, dismissed, healing },
    writes: isRouteNew ? { ...writes, route } : writes,
    actions: [...planImages(world), ...convergence.actions],
    report: reportWorld(world, goal, settled.hold),
    wakeAt: findWake(world, settled.hold, convergence.wakeups),
  };
}

// Revisions beyond the window, when no rollout and no split by hand is under way; not those of which something still
// stands. Asked for until their records have gone.
function forgetOld(world: World): Writes {
  const { observed, memory, spec } = world;
  if (memory.rollout !== null || memory.manual !== null) return {};
  const standing = revisionsPresent(world);
  const outdated = findForgotten(observed.revisions, spec.history, memory);
  const forget = outdated.filter((number) => !standing.includes(number));
  return forget.length > 0 ? { forget } : {};
}

function settle(spec: ServiceSpec, observed: Observed, now: number): Settled {
  const begun = { ...observed.memory, proxies: followProxies(observed, now) };
  let world = buildWorld(spec, observed, begun, now);
  let writes: Writes = {};
  const take = (move: Move) => {
    writes = joinWrites(writes, move.writes);
    world = buildWorld(spec, includeWritten(world.observed, move.writes, now), move.memory, now);
  };
  for (const first of [consumeCommand, followWeights, beginDesired]) {
    const move = first(world);
    if (move !== null) take(move);
  }
  const limit = MOVES_LIMIT + stepsOf(world).length;
  for (let made = 0; made < limit; made += 1) {
    const { move, goal, hold } = look(world);
    const next = move ?? takeBack(world, goal);
    if (next === null) return { world, writes, goal, hold };
    take(next);
  }
  throw new Error(`deciding ${observed.service} does not come to rest after ${limit} moves`);
}

function look(world: World): { readonly move: Move | null; readonly goal: Goal; readonly hold: Hold | null } {
  const { manual, rollout } = world.memory;
  if (manual !== null) {
    const move = advanceManual(world, manual);
    const inForce = planManual(world);
    if (move !== null || inForce !== null) return { move, goal: inForce ?? planSteady(world), hold: null };
  }
  if (rollout === null) return { move: null, goal: planSteady(world), hold: null };
  const notch = advanceRollout(world, rollout);
  return manual === null ? notch : { ...notch, move: null };
}

// What this pass writes exists for the rest of it.
function includeWritten(observed: Observed, writes: Writes, now: number): Observed {
  const created = new Date(now).toISOString();
  const added = (writes.revisions ?? []).map((revision) => ({ ...revision, created }));
  const digest = writes.quarantine?.digest;
  return {
    ...observed,
    revisions: [...observed.revisions, ...added],
    quarantined: digest === undefined ? observed.quarantined : [...observed.quarantined, digest],
  };
}

function joinWrites(a: Writes, b: Writes): Writes {
  const finished = [...(a.finished ?? []), ...(b.finished ?? [])];
  const revisions = [...(a.revisions ?? []), ...(b.revisions ?? [])];
  return {
    ...a,
    ...b,
    ...(finished.length > 0 ? { finished } : {}),
    ...(revisions.length > 0 ? { revisions } : {}),
  };
}

function planImages(world: World): readonly Action[] {
  const { manual, rollout } = world.memory;
  if (manual !== null) {
    if (manual.problem !== null) return [];
    return findUnresolved(world, manual).flatMap((version) =>
      resolve(world, nameManualImage(manual, version), {
        image: world.spec.image,
        version,
        policy: world.spec.pull,
        networks: world.spec.settings.container.networks,
      }),
    );
  }
  if (rollout === null || rollout.stage !== 'resolving') return [];
  return resolve(world, rollout.id, nameImage(world, rollout));
}

function resolve(world: World, id: string, wanted: WantedImage): readonly Action[] {
  const image = world.observed.images[id];
  const isDue =
    image === undefined || image.kind === 'absent' || (image.kind === 'failed' && world.now >= image.retryAt);
  return isDue ? [{ kind: 'resolve-image', id, ...wanted }] : [];
}

function listRetries(world: World): readonly (number | null)[] {
  return Object.values(world.observed.images).map((image) =>
    image.kind === 'failed' ? image.retryAt : null,
  );
}

function findWake(world: World, hold: Hold | null, wakeups: readonly (number | null)[]): number | null {
  const { rollout, warm } = world.memory;
  const times = [
    ...world.wakeups,
    ...wakeups,
    hold?.next?.at ?? null,
    rollout?.monitorUntil ?? null,
    rollout === null ? null : findStrike(world, rollout),
    rollout?.step?.endsAt ?? null,
    warm?.until ?? null,
    ...listRetries(world),
  ];
  const future = times.filter((at): at is number => at !== null && at > world.now && Number.isFinite(at));
  return future.length === 0 ? null : Math.min(...future);
}
