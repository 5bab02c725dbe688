// What must hold at every pass, every action and every event of a simulated world, of the core alone and of the daemon
// around it alike. A breach throws with the trace.
import { computeStepReplicas } from '../../strategies/budget.ts';
import type { Action, Observed, Plan, RouteEntry } from '../../strategies/model.ts';
import { isAcknowledged } from '../../strategies/proxies.ts';
import { identify } from '../../strategies/world.ts';
import { breach } from './breach.ts';
import type { Checked } from './checked.ts';
import { checkRepeated } from './repeated.ts';
import { checkNobodyCouldServe, checkServing, isReady, surgeOf } from './serving.ts';

/** Before the plan's writes land: `observed` is what it was decided from. */
export function checkPlan(world: Checked, observed: Observed, plan: Plan): void {
  const { route } = plan.writes;
  if (route != null) {
    checkSplit(world, observed, route);
    checkOffer(world, plan, route);
    checkCapacity(world, observed, plan, route);
    checkServing(world, observed, plan, route);
    if (Object.keys(route.split).length === 0) checkNobodyCouldServe(world, observed, plan);
  }
  checkSteps(world, observed, plan);
  checkDeadline(world, observed, plan);
  checkQuarantine(world, observed, plan);
  if (plan.writes.retired !== true && plan.report.phase !== 'retiring') checkRepeated(world, observed, plan);
}

// A weight has replicas behind it, and every target is a running, ready replica.
function checkSplit(world: Checked, observed: Observed, route: RouteEntry): void {
  const weights = Object.values(route.split);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length > 0 && total !== 100) breach(world, `the split sums to ${total}`);
  for (const [revision, weight] of Object.entries(route.split)) {
    if (weight <= 0 || !Number.isInteger(weight)) breach(world, `r${revision} has weight ${weight}`);
    if (!route.targets.some((t) => t.revision === Number(revision)))
      breach(world, `r${revision} has a weight and no target`);
  }
  for (const target of route.targets) {
    const replica = observed.replicas.find(
      (r) => r.revision === target.revision && r.address === target.address,
    );
    if (replica === undefined || !isReady(replica)) breach(world, `${target.address} is routed, not ready`);
  }
}

// What a revision gets besides a weight it gets on trial alone, and only with a target. In the bake it falls back to its
// last step while it lacks replicas.
function checkOffer(world: Checked, { memory: { rollout } }: Plan, route: RouteEntry): void {
  for (const offer of [route.preview, route.match, route.mirror]) {
    if (offer === null) continue;
    const { revision } = offer;
    if (!route.targets.some((target) => target.revision === revision))
      breach(world, `r${revision} is offered and has no target`);
    const isOnTrial = rollout?.revision === revision && rollout.gated && rollout.stage !== 'returning';
    if (!isOnTrial) breach(world, `r${revision} is offered and not on trial`);
  }
}

/** No weight without the replicas that it was meant for. */
function checkCapacity(world: Checked, observed: Observed, plan: Plan, route: RouteEntry): void {
  const { rollout, manual, stable } = plan.memory;
  if (rollout === null || manual !== null || stable === null || !rollout.gated) return;
  const { strategy } = world.spec;
  const weight = route.split[rollout.revision] ?? 0;
  const count = route.targets.filter((t) => t.revision === rollout.revision).length;
  const others = route.targets.length - count;
  const isOneByOne = strategy.type === 'rolling' || strategy.type !== rollout.strategy;
  const isSpread = isOneByOne || rollout.stage === 'returning' || rollout.kind === 'rollback';
  if (strategy.type === 'recreate' || others === 0 || weight === 0) return;
  const share = (100 * count) / (count + others);
  if (isSpread) {
    if (weight > share + 1) breach(world, `the candidate has ${weight} % on ${count} of ${count + others}`);
    return;
  }
  const before = observed.route?.value.split[rollout.revision] ?? 0;
  const isStanding = weight <= before;
  const most = Math.max(share, count * loadOf(world));
  if (!isStanding && weight > most + 1)
    breach(world, `the candidate gets ${weight} % with ${count} replicas`);
  const isWaiting = strategy.type === 'blue-green' && !rollout.promoted;
  if (isWaiting && before === 0) breach(world, 'traffic before the promotion');
}

// What one replica of a candidate may carry: its part of everything, or what the author of a step gave it.
function loadOf({ spec }: Checked): number {
  const { strategy, replicas } = spec;
  const steps = strategy.type === 'canary' ? strategy.steps : [];
  const loads = steps.map((step) =>
    step.kind === 'weight' && step.weight > 0
      ? step.weight / computeStepReplicas(replicas, step.weight, step.replicas)
      : 0,
  );
  return Math.max(100 / replicas, ...loads);
}

// A weight step is passed when its weight is served, a pause when its time has come or by `promote`.
function checkSteps(world: Checked, observed: Observed, plan: Plan): void {
  const before = observed.memory.rollout;
  const after = plan.memory.rollout;
  const { strategy } = world.spec;
  if (before === null || after === null || before.id !== after.id || strategy.type !== 'canary') return;
  if (before.step === null || after.step === null) return;
  const isFree = before.paused !== after.paused || observed.memory.manual !== plan.memory.manual;
  const isMoved = before.step.endsAt !== null && before.step.endsAt !== after.step.endsAt;
  if (before.step.index === after.step.index && isMoved && !isFree) breach(world, 'the end of a step moved');
  for (let index = before.step.index; index < after.step.index; index += 1) {
    const step = strategy.steps[index];
    if (step?.kind === 'pause' && world.now < (before.step.endsAt ?? 0) && plan.writes.consume === undefined)
      breach(world, `step ${index} was cut short`);
    const served = observed.route?.value.split[after.revision] ?? 0;
    const isServable = world.spec.settings.port !== null && world.spec.replicas > 0;
    if (
      isServable &&
      step?.kind === 'weight' &&
      (served < step.weight || !isAcknowledged({ observed, memory: plan.memory }))
    )
      breach(world, `step ${index} was left at ${served} %, not ${step.weight} %`);
    const isOffered = observed.route?.value.match !== null || observed.route.value.mirror !== null;
    if (isServable && step?.kind === 'weight' && step.match !== undefined && !isOffered)
      breach(world, `step ${index} was left and offered nothing`);
  }
}

// Absolute: it moves with progress, where a hold begins or ends, and by the length of a pause.
function checkDeadline(world: Checked, observed: Observed, plan: Plan): void {
  const [before, after] = [observed.memory.rollout, plan.memory.rollout];
  if (before === null || after === null || before.id !== after.id) return;
  const isHeld = before.held || after.held;
  const hasProgress = after.progress > before.progress || after.stage !== before.stage || isHeld;
  const isShifted =
    isChanged(before.paused, after.paused) || isChanged(observed.memory.manual, plan.memory.manual);
  if (after.deadline !== before.deadline && !hasProgress && !isShifted)
    breach(world, `the deadline moved by ${after.deadline - before.deadline} ms without progress`);
}

function isChanged(before: object | null, after: object | null): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function checkQuarantine(world: Checked, observed: Observed, plan: Plan): void {
  const { quarantine, finished } = plan.writes;
  const stable = observed.revisions.find((r) => r.number === plan.memory.stable);
  if (quarantine !== undefined && quarantine.digest === stable?.digest)
    breach(world, 'the stable digest was put into quarantine');
  for (const { id, requested } of finished ?? []) {
    if (world.store.history.some((h) => h.id === id || h.requested === requested))
      breach(world, `${id} ended twice, or what it was asked by was tried again`);
  }
}

/** Before it is carried out. */
export function checkAction(world: Checked, action: Action): void {
  if (action.kind === 'start') checkStart(world, action);
  if (action.kind === 'stop') checkStop(world, action.name);
  const container = action.kind === 'remove' ? world.engine.containers.get(action.name) : undefined;
  if (container?.isRunning === true) breach(world, `${action.kind} of ${container.name}, which runs`);
}

function checkStart(world: Checked, { name, revision }: Extract<Action, { kind: 'start' }>): void {
  const { store, engine, plan, spec } = world;
  const { stable, rollout, manual } = store.memory;
  const isAsked =
    revision.number === stable || (rollout?.insists === true && rollout.revision === revision.number);
  if (store.quarantined.includes(revision.digest) && !isAsked) breach(world, `${name} starts in quarantine`);
  if (plan === null || manual !== null) return;
  const existing = [...engine.containers.values()].filter((c) => c.isRunning && c.name !== name);
  const warm = store.memory.warm === null ? 0 : spec.replicas;
  const limit = spec.replicas + Math.max(surgeOf(world, plan), warm);
  if (existing.length + 1 > limit) breach(world, `${name} would be one more than ${limit}`);
}

function checkStop(world: Checked, name: string): void {
  const container = world.engine.containers.get(name);
  if (container === undefined || !container.isRunning || container.address === null) return;
  const target = identify(container.revision.number, container.address);
  const since = world.store.memory.draining[name] ?? Number.NaN;
  for (const proxy of world.proxies) {
    if (proxy.names(target)) breach(world, `${name} is stopped while ${proxy.id} routes to it`);
    if (proxy.isBusy(target) && !(world.now >= since + world.spec.drainTimeoutMs))
      breach(world, `${name} is stopped while ${proxy.id} has requests on it`);
  }
}

/** At any time. */
export function checkWorld(world: Checked): void {
  for (const container of world.engine.containers.values()) {
    if (!container.wasToldToStop || !container.isRunning || container.address === null) continue;
    const target = identify(container.revision.number, container.address);
    const proxy = world.proxies.find((p) => p.names(target));
    if (proxy !== undefined) breach(world, `${proxy.id} routes to ${container.name}, which was told to stop`);
  }
}
