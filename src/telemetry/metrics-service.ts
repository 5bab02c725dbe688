// The controller's metrics of one service. Its series stand from `start` to `forget`, at 0 where nothing has happened;
// a revision's go with the revision.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type {
  FinishedRollout,
  Outcome,
  Phase,
  Report,
  RoleReport,
  StrategyType,
} from '../../strategies/model.ts';

export interface ServiceSnapshot {
  readonly service: string;
  /** Null while no valid spec has named one: then the series by strategy stay as they are. */
  readonly strategy: StrategyType | null;
  readonly report: Report;
}

type Role = 'stable' | 'candidate';

const PHASES = Object.keys({
  idle: 0,
  progressing: 0,
  paused: 0,
  monitoring: 0,
  aborting: 0,
  failed: 0,
  frozen: 0,
  invalid: 0,
  retiring: 0,
} satisfies Record<Phase, 0>);
const OUTCOMES = Object.keys({
  succeeded: 0,
  'rolled-back': 0,
  failed: 0,
  superseded: 0,
  aborted: 0,
} satisfies Record<Outcome, 0>);
const STRATEGIES = ['recreate', 'rolling', 'blue-green', 'canary'] as const satisfies readonly StrategyType[];
const ROLES = ['stable', 'candidate'] as const satisfies readonly Role[];
const KINDS = ['desired', 'effective'] as const;
const STATES = ['wanted', 'ready', 'total'] as const;

export function defineServiceMetrics(registry: Registry) {
  const rollouts = defineRolloutMetrics(registry);
  const state = defineStateMetrics(registry);
  const started = new Map<string, StrategyType>();
  return {
    publish(snapshot: ServiceSnapshot): void {
      const { service, strategy } = snapshot;
      if (strategy !== null && started.get(service) !== strategy) {
        rollouts.start(service, strategy);
        started.set(service, strategy);
      }
      state.publish(snapshot);
    },
    forget(service: string): void {
      started.delete(service);
      rollouts.forget(service);
      state.forget(service);
    },
    countFinished: rollouts.countFinished,
  };
}

function defineRolloutMetrics(registry: Registry) {
  const labelNames = ['service', 'strategy', 'outcome'] as const;
  const shared = { labelNames, registers: [registry] };
  const total = new Counter({
    ...shared,
    name: 'slipway_rollouts_total',
    help: 'Rollouts that ended, by outcome.',
  });
  const duration = new Histogram({
    ...shared,
    name: 'slipway_rollout_duration_seconds',
    help: 'Time from the start of a rollout to its end.',
    buckets: [5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400],
  });
  const standing = new Set<string>();
  return {
    /** Once per series: `zero` would also reset one that has counted. */
    start(service: string, strategy: StrategyType): void {
      for (const outcome of OUTCOMES) {
        total.inc({ service, strategy, outcome }, 0);
        const key = formatKey(service, strategy, outcome);
        if (!standing.has(key)) duration.zero({ service, strategy, outcome });
        standing.add(key);
      }
    },
    countFinished(service: string, { strategy, outcome, startedAt, endedAt }: FinishedRollout): void {
      standing.add(formatKey(service, strategy, outcome));
      total.inc({ service, strategy, outcome });
      duration.observe({ service, strategy, outcome }, Math.max(0, endedAt - startedAt) / 1000);
    },
    forget(service: string): void {
      for (const strategy of STRATEGIES) {
        for (const outcome of OUTCOMES) {
          total.remove({ service, strategy, outcome });
          duration.remove({ service, strategy, outcome });
          standing.delete(formatKey(service, strategy, outcome));
        }
      }
    },
  };
}

function formatKey(...parts: readonly string[]): string {
  return parts.join(' ');
}

function defineStateMetrics(registry: Registry) {
  const gauge = <const Name extends string>(name: string, help: string, ...labelNames: readonly Name[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const phase = gauge('slipway_rollout_phase', '1 for the phase that the service is in.', 'service', 'phase');
  const step = gauge('slipway_rollout_step', 'The current step, counted from 1; 0 outside steps.', 'service');
  const steps = gauge('slipway_rollout_steps', 'Steps of the running rollout; 0 without.', 'service');
  const weight = gauge(
    'slipway_traffic_weight',
    'Share of the traffic, in percent.',
    'service',
    'role',
    'kind',
  );
  const replicas = gauge('slipway_replicas', 'Replicas, by state.', 'service', 'role', 'state');
  const revisions = defineRevisionInfo(registry);

  const publishRole = (service: string, role: Role, report: RoleReport | null): void => {
    for (const kind of KINDS) weight.set({ service, role, kind }, report?.weight[kind] ?? 0);
    for (const state of STATES) replicas.set({ service, role, state }, report?.replicas[state] ?? 0);
    revisions.set(service, role, report);
  };
  return {
    publish({ service, report }: ServiceSnapshot): void {
      for (const each of PHASES) phase.set({ service, phase: each }, each === report.phase ? 1 : 0);
      step.set({ service }, report.step === null ? 0 : report.step.index + 1);
      steps.set({ service }, report.step?.count ?? 0);
      for (const role of ROLES) publishRole(service, role, report[role]);
    },
    forget(service: string): void {
      for (const each of PHASES) phase.remove({ service, phase: each });
      step.remove({ service });
      steps.remove({ service });
      for (const role of ROLES) {
        for (const kind of KINDS) weight.remove({ service, role, kind });
        for (const state of STATES) replicas.remove({ service, role, state });
        revisions.set(service, role, null);
      }
    },
  };
}

/** One series per role: the former one goes when the role changes hands. */
function defineRevisionInfo(registry: Registry) {
  const info = new Gauge({
    name: 'slipway_revision_info',
    help: 'Always 1: which revision has which role.',
    labelNames: ['service', 'role', 'revision', 'version', 'digest'] as const,
    registers: [registry],
  });
  type Labels = Parameters<typeof info.remove>[0] & object;
  const shown = new Map<string, Labels>();
  return {
    set(service: string, role: Role, report: RoleReport | null): void {
      const key = formatKey(service, role);
      const former = shown.get(key);
      if (former !== undefined) info.remove(former);
      shown.delete(key);
      if (report === null) return;
      const { revision, version, digest } = report;
      const labels = { service, role, revision: String(revision), version, digest };
      info.set(labels, 1);
      shown.set(key, labels);
    },
  };
}
