// What a landed pass changed → events and log lines: names and words, no contents. Compares the memory before with the
// memory after; keeps nothing.
import type { Memory, Rollout } from '../../strategies/model.ts';
import type { ControllerEvent } from '../telemetry/events.ts';
import type { PassResult } from './reconciler.ts';

/** `before`: the phase that the status had after the former pass, or null. */
export function listEvents(result: PassResult, before: string | null): readonly ControllerEvent[] {
  const { desired, plan, status } = result;
  const { service } = desired;
  const former = desired.record.memory;
  const events: ControllerEvent[] = [];
  for (const done of plan.writes.finished ?? []) {
    const { id: rollout, version, outcome, reason } = done;
    events.push({ kind: 'rollout-finished', service, rollout, version, outcome, reason });
  }
  const { rollout } = plan.memory;
  if (rollout !== null && rollout.id !== former.rollout?.id) events.push(announceStart(service, rollout));
  if (rollout !== null && hasNewStep(former, rollout)) events.push(...announceStep(result, rollout));
  // The core's report knows nothing of a spec that is refused.
  const { phase, reason } = status;
  if (before !== phase) {
    events.push({ kind: 'phase-changed', service, from: readPhase(before), to: phase, reason });
  }
  return events;
}

function announceStart(service: string, rollout: Rollout): ControllerEvent {
  return {
    kind: 'rollout-started',
    service,
    rollout: rollout.id,
    rolloutKind: rollout.kind,
    strategy: rollout.strategy,
    version: rollout.version,
    revision: rollout.revision,
  };
}

function hasNewStep(former: Memory, rollout: Rollout): boolean {
  return rollout.step !== null && rollout.step.index !== former.rollout?.step?.index;
}

function announceStep({ desired, plan }: PassResult, rollout: Rollout): readonly ControllerEvent[] {
  const { step } = plan.report;
  if (step === null) return [];
  const { index, count, what } = step;
  return [{ kind: 'rollout-step', service: desired.service, rollout: rollout.id, index, count, what }];
}

type PhaseChange = Extract<ControllerEvent, { kind: 'phase-changed' }>;

function readPhase(phase: string | null): PhaseChange['from'] {
  return phase === null ? null : (phase as PhaseChange['to']);
}
