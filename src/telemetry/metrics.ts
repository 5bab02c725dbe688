// The controller's metrics, fed by plain values: it knows no controller. Each call of `createMetrics` has a registry of its own.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ActionKind, FinishedRollout } from '../../strategies/model.ts';
import { defineServiceMetrics, type ServiceSnapshot } from './metrics-service.ts';

/** Why a pass failed: the error's disposition. */
export type ErrorReason = 'invalid' | 'transient' | 'conflict' | 'missing' | 'cancelled' | 'bug';

/** What a scrape is answered with. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export interface Metrics {
  /** After every pass of a service. */
  publish(snapshot: ServiceSnapshot): void;
  /** The service was retired, or another controller leads now. */
  forget(service: string): void;
  countFinished(service: string, finished: FinishedRollout): void;
  observeAction(action: ActionKind, outcome: 'succeeded' | 'failed', seconds: number): void;
  observeReconcile(seconds: number): void;
  countReconcileError(reason: ErrorReason): void;
  setQueueDepth(depth: number): void;
  setLeader(leads: boolean): void;
  setStoreConnected(connected: boolean): void;
  setInvalidKeys(count: number): void;
  render(): Promise<Exposition>;
}

/** Of node and its process. The delay of the event loop is sampled by a timer, whose default of 10 ms is most of an idle process. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 250 });
}

/** `version` is the program's. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectProcessMetrics(registry);
  defineBuildInfo(registry, version);
  return {
    ...defineServiceMetrics(registry),
    ...defineLoopMetrics(registry),
    ...defineGauges(registry),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** The program's version, in the controller and in the proxy alike. */
export function defineBuildInfo(registry: Registry, version: string): void {
  new Gauge({
    name: 'slipway_build_info',
    help: 'Always 1: the version of the program.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
}

const ACTIONS = Object.keys({
  'resolve-image': 0,
  start: 0,
  stop: 0,
  remove: 0,
} satisfies Record<ActionKind, 0>);
const REASONS = Object.keys({
  invalid: 0,
  transient: 0,
  conflict: 0,
  missing: 0,
  cancelled: 0,
  bug: 0,
} satisfies Record<ErrorReason, 0>);

function defineLoopMetrics(registry: Registry) {
  const actions = new Histogram({
    name: 'slipway_container_action_seconds',
    help: 'Time that an action on the engine took.',
    labelNames: ['action', 'outcome'] as const,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers: [registry],
  });
  for (const action of ACTIONS) {
    for (const outcome of ['succeeded', 'failed']) actions.zero({ action, outcome });
  }
  const passes = new Histogram({
    name: 'slipway_reconcile_seconds',
    help: 'Time that one pass of one service took.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const errors = new Counter({
    name: 'slipway_reconcile_errors_total',
    help: 'Passes that ended in an error, by its disposition.',
    labelNames: ['reason'] as const,
    registers: [registry],
  });
  for (const reason of REASONS) errors.inc({ reason }, 0);
  return {
    observeAction: (action: ActionKind, outcome: 'succeeded' | 'failed', seconds: number) =>
      actions.observe({ action, outcome }, seconds),
    observeReconcile: (seconds: number) => passes.observe(seconds),
    countReconcileError: (reason: ErrorReason) => errors.inc({ reason }),
  };
}

function defineGauges(registry: Registry) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const depth = gauge('slipway_queue_depth', 'Services that wait for a pass.');
  const leader = gauge('slipway_leader', '1 while this controller leads.');
  const connected = gauge('slipway_store_connected', '1 while the store answers and takes writes.');
  const invalid = gauge('slipway_store_invalid_keys', 'Keys below the prefix that do not parse.');
  return {
    setQueueDepth: (count: number) => depth.set(count),
    setLeader: (leads: boolean) => leader.set(leads ? 1 : 0),
    setStoreConnected: (isConnected: boolean) => connected.set(isConnected ? 1 : 0),
    setInvalidKeys: (count: number) => invalid.set(count),
  };
}
