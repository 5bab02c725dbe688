// Plans for a service that cannot be decided for: it has no valid spec, or its record does not parse. They do nothing but
// tell, and forget. Pure.
import type { Plan } from '../../strategies/model.ts';
import type { Desired } from './desired.ts';

const SILENT = { next: null, stable: null, candidate: null, step: null } as const;

/** What runs is left alone. */
export function planNothing(
  desired: Desired,
  reason: 'invalid-spec' | 'internal-error',
  message: string,
): Plan {
  const report = { ...SILENT, phase: 'invalid', reason, message } as const;
  return { memory: desired.record.memory, writes: {}, actions: [], report, wakeAt: null };
}

/** A spec that was never valid has gone: what was said of it goes too, as does a word to a service that is not there. */
export function planForgetting({ record }: Desired): Plan {
  const report = { ...SILENT, phase: 'retiring', reason: 'retiring', message: '' } as const;
  return { memory: record.memory, writes: { retired: true }, actions: [], report, wakeAt: null };
}

/** Without a spec there is nothing that it could apply to; left alone, it would be obeyed by whatever comes later. */
export function refuseCommand(plan: Plan, command: number): Plan {
  const answer = { command, text: 'There is no valid spec.', refused: true };
  const message = `Refused: ${answer.text} ${plan.report.message}`.trimEnd();
  return {
    ...plan,
    memory: { ...plan.memory, answer },
    writes: { consume: command },
    report: { ...plan.report, message },
  };
}
