// Canary: the candidate takes a small share, then more, by the author's steps. The stable revision stays in full until
// the bake has passed, so the way back is one swap of the table. A weight is given only once its replicas are there.
import { computeStepReplicas } from './budget.ts';
import { type Course, type Goal, goalOf, type Hold, type Trial } from './course.ts';
import { describeStep, describeTrial, formatRoughly } from './describe.ts';
import type { CanaryStep, Rollout, StepState } from './model.ts';
import { isCarried, isOffered, isServed } from './route.ts';
import { findGuarded, keepServing } from './standing.ts';
import { availableOf, countPresent, type World } from './world.ts';

export function planCanary(world: World, rollout: Rollout): Course {
  const steps = stepsOf(world);
  const isStepping = rollout.gated && rollout.stage === 'advancing';
  const step = isStepping && rollout.step !== null ? steps[rollout.step.index] : undefined;
  if (rollout.step === null || step === undefined) return finishCanary(world, rollout, steps);
  if (step.kind === 'weight') return takeWeight(world, rollout, step, steps);
  return holdStep(world, rollout, rollout.step, step, steps);
}

export function stepsOf(world: World): readonly CanaryStep[] {
  return world.spec.strategy.type === 'canary' ? world.spec.strategy.steps : [];
}

/** The step that a rollout is on after this one; absolute times, so that a restart renews nothing. */
export function startStep(index: number, steps: readonly CanaryStep[], now: number): StepState {
  const step = steps[index];
  return { index, startedAt: now, endsAt: step?.kind === 'pause' ? now + step.durationMs : null };
}

type WeightStep = Extract<CanaryStep, { kind: 'weight' }>;

const WHOLE: WeightStep = { kind: 'weight', weight: 100, replicas: null };

// The last weight step before `index`, or none.
function standAt(steps: readonly CanaryStep[], index: number): WeightStep | null {
  for (let i = index - 1; i >= 0; i -= 1) {
    const step = steps[i];
    if (step?.kind === 'weight') return step;
  }
  return null;
}

function takeWeight(world: World, rollout: Rollout, step: WeightStep, steps: readonly CanaryStep[]): Course {
  const index = rollout.step?.index ?? 0;
  const { goal, isUp } = moveTo(world, rollout, step, standAt(steps, index));
  const isDone = isUp && isCarried(world, goal, rollout.revision) && isOffered(world, goal);
  const advanced = isDone ? { ...rollout, step: startStep(index + 1, steps, world.now) } : null;
  return { goal, advanced, isComplete: false, hold: null };
}

function holdStep(
  world: World,
  rollout: Rollout,
  state: StepState,
  step: CanaryStep,
  steps: readonly CanaryStep[],
): Course {
  const stand = standAt(steps, state.index);
  const goal = share(world, rollout, replicasAt(world, stand), stand);
  if (step.kind === 'pause' && state.endsAt === null) {
    // Another step stood here before the spec was edited.
    const advanced = { ...rollout, step: startStep(state.index, steps, world.now) };
    return { goal, advanced, isComplete: false, hold: null };
  }
  if (step.kind === 'pause' && state.endsAt !== null && world.now >= state.endsAt) {
    const advanced = { ...rollout, step: startStep(state.index + 1, steps, world.now) };
    return { goal, advanced, isComplete: false, hold: null };
  }
  const following = steps[state.index + 1];
  const what = following === undefined ? 'weight 100' : describeStep(following);
  const hold = explainHold(step, state, describeStand(stand), what, world.now);
  return { goal, advanced: null, isComplete: false, hold };
}

// `10 %`, `0 % with match beta=1, mirror 50`.
function describeStand(stand: WeightStep | null): string {
  const trial = stand === null ? [] : describeTrial(stand);
  return `${stand?.weight ?? 0} %${trial.length === 0 ? '' : ` with ${trial.join(', ')}`}`;
}

function explainHold(step: CanaryStep, state: StepState, at: string, what: string, now: number): Hold {
  if (step.kind === 'pause-manual' || state.endsAt === null) {
    const message = `Holding at ${at}; waiting for promote.`;
    return { reason: 'waiting-for-promotion', message, next: { what, at: null }, isPlanned: true };
  }
  const message = `Holding at ${at} for another ${formatRoughly(state.endsAt - now)}.`;
  return { reason: 'step-pause', message, next: { what, at: state.endsAt }, isPlanned: true };
}

function finishCanary(world: World, rollout: Rollout, steps: readonly CanaryStep[]): Course {
  const stand = rollout.gated ? standAt(steps, steps.length) : WHOLE;
  const { goal, isUp } = moveTo(world, rollout, WHOLE, stand);
  return { goal, advanced: null, isComplete: isUp && isServed(world, goal), hold: null };
}

// Towards a weight from where it stands: first its replicas, then the weight. A pause starts neither.
function moveTo(world: World, rollout: Rollout, step: WeightStep, stand: WeightStep | null) {
  const { revision } = rollout;
  const wanted = replicasAt(world, step);
  const isUp = availableOf(world, revision).length >= wanted;
  const there = share(world, rollout, wanted, step);
  const weight = world.observed.route?.value.split[revision] ?? 0;
  const isTaken = weight === step.weight && isOffered(world, there);
  const isPaused = rollout.paused !== null && !isTaken;
  if (!isPaused) return { goal: isUp ? there : share(world, rollout, wanted, stand), isUp };
  const least = Math.max(replicasAt(world, stand), countPresent(world, revision));
  return { goal: share(world, rollout, Math.min(wanted, least), stand), isUp: false };
}

// Without a weight one replica is enough for those who match, and for a mirror.
function replicasAt(world: World, step: WeightStep | null): number {
  if (step === null) return 0;
  const given = step.replicas ?? (step.weight === 0 ? { count: 1 } : null);
  return computeStepReplicas(world.spec.replicas, step.weight, given);
}

function trialOf({ match, mirror = 0 }: WeightStep): Trial | null {
  return match === undefined && mirror === 0 ? null : { match: match ?? null, mirror };
}

function share(world: World, rollout: Rollout, wanted: number, stand: WeightStep | null): Goal {
  const { stable } = world.memory;
  const { revision } = rollout;
  const weight = stable === null ? 100 : (stand?.weight ?? 0);
  const rest = stable === null ? {} : { [stable]: 100 - weight };
  const kept = keepServing(world, revision);
  const goal = goalOf(
    { ...kept, [revision]: Math.max(wanted, kept[revision] ?? 0) },
    { ...rest, [revision]: weight },
    2 * world.spec.replicas,
  );
  const trial = stand === null || stable === null ? null : trialOf(stand);
  return {
    ...goal,
    preview: trial === null ? null : revision,
    trial,
    needed: { [revision]: replicasAt(world, stand) },
    guarded: rollout.gated ? findGuarded(world, revision, weight) : null,
  };
}
