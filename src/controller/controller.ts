// The control loop put together: keys and engine events mark services, the queue runs their passes while this process
// leads, and every landed pass is told to metrics, events and the log.
import { describeAction, describeRoute } from '../../strategies/describe.ts';
import type { EventBus } from '../telemetry/events.ts';
import type { Log } from '../telemetry/log.ts';
import type { ErrorReason, Metrics } from '../telemetry/metrics.ts';
import { listEvents } from './announce.ts';
import type { DeciderOptions, Decision } from './decision.ts';
import { Queue } from './queue.ts';
import { type PassResult, Reconciler } from './reconciler.ts';
import { parseRecord } from './record.ts';
import type { Review } from './review.ts';
import { findInvalidKeys, listServices, watchKeys } from './watcher.ts';

export interface ControllerOptions extends DeciderOptions {
  readonly review: Review;
  readonly events: EventBus;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Services of ours that the engine runs, known or not. */
  readonly listRunning: () => Promise<readonly string[]>;
  readonly onDecision?: (decision: Decision) => void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** A service that trips over a broken invariant is left alone for this long. */
const PARKED_MS = 300_000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: Queue;
  readonly #phases = new Map<string, string>();
  readonly #releases: (() => void)[] = [];

  constructor(options: ControllerOptions) {
    const { leader, mirror, keys, metrics } = options;
    this.#options = options;
    const reconciler = new Reconciler({ ...options, onPass: (result) => this.#tell(result) });
    this.#queue = new Queue({
      run: (service) => this.#time(() => reconciler.pass(service)),
      now: options.clock.now,
      onFailure: (service, error, attempts) => this.#explainFailure(service, error, attempts),
      onDepth: (depth) => metrics.setQueueDepth(depth),
    });
    this.#releases.push(
      watchKeys({
        mirror,
        keys,
        mark: (service) => this.mark(service),
        onInvalidKeys: (invalid) => this.#tellInvalid(invalid),
      }),
      leader.onChange(() => void this.#changeLeadership()),
    );
  }

  /** Something about this service may have changed. */
  mark(service: string): void {
    if (this.#options.leader.isLeader()) this.#queue.mark(service);
  }

  markAll(): void {
    for (const service of listServices(this.#options.mirror, this.#options.keys)) this.mark(service);
  }

  /** Ends after the passes that run now. */
  async close(): Promise<void> {
    for (const release of this.#releases) release();
    await this.#queue.close();
    this.#options.prober.close();
  }

  async #time<T>(run: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await run();
    } finally {
      this.#options.metrics.observeReconcile((performance.now() - begun) / 1000);
    }
  }

  async #changeLeadership(): Promise<void> {
    const { leader, metrics, events, log, mirror, keys } = this.#options;
    const leads = leader.isLeader();
    metrics.setLeader(leads);
    events.emit({ kind: leads ? 'leader-gained' : 'leader-lost' });
    log.info(leads ? 'leading' : 'not leading');
    if (!leads) {
      this.#options.prober.close();
      for (const service of this.#phases.keys()) metrics.forget(service);
      this.#phases.clear();
      return;
    }
    this.#tellInvalid(findInvalidKeys(mirror, keys));
    this.#reachRecords();
    this.markAll();
    await this.#markRunning();
  }

  // All of them before the first decision: a stamp made before the clock went on to another one would look old.
  #reachRecords(): void {
    const { mirror, keys, clock } = this.#options;
    for (const service of listServices(mirror, keys)) {
      const text = mirror.get(keys.rollout(service))?.value;
      const record = text === undefined ? null : parseRecord(text);
      if (record !== null) clock.reach(record.at);
    }
  }

  // Containers of ours whose service has no key any more are looked at too.
  async #markRunning(): Promise<void> {
    try {
      for (const service of await this.#options.listRunning()) this.mark(service);
    } catch (error) {
      this.#options.log.warn('cannot list containers; known services are looked at', { error });
    }
  }

  #tell(result: PassResult): void {
    const { metrics, events, log } = this.#options;
    const { desired, plan, status } = result;
    const { service } = desired;
    if (plan.writes.retired === true) {
      metrics.forget(service);
      this.#phases.delete(service);
      log.info('service retired', { service });
      return;
    }
    const before = this.#phases.get(service) ?? null;
    const { phase, strategy } = status;
    this.#phases.set(service, phase);
    metrics.publish({ service, strategy, report: { ...plan.report, phase } });
    for (const finished of plan.writes.finished ?? []) metrics.countFinished(service, finished);
    for (const event of listEvents(result, before)) {
      events.emit(event);
      log.info('event', { ...event });
    }
    const { route } = plan.writes;
    if (route !== undefined) log.info('route', { service, route: describeRoute(route) });
    for (const action of plan.actions) log.debug('action', { service, action: describeAction(action) });
  }

  #tellInvalid(invalid: readonly { readonly key: string; readonly service: string | null }[]): void {
    const { metrics, events, log } = this.#options;
    metrics.setInvalidKeys(invalid.length);
    for (const { key, service } of invalid) {
      events.emit({ kind: 'invalid-key', service, key });
      log.warn('key of no known shape; ignored', { key });
    }
  }

  #explainFailure(service: string, error: unknown, attempts: number): number {
    const { metrics, log } = this.#options;
    const reason = dispositionOf(error);
    metrics.countReconcileError(reason);
    if (reason === 'bug') {
      log.error('a pass broke; the service is left alone for a while', { service, error });
      return PARKED_MS;
    }
    if (attempts === 1) log.warn('a pass failed; trying again', { service, error });
    const backoff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
    return backoff * (0.5 + Math.random() / 2);
  }
}

const DISPOSITIONS: readonly ErrorReason[] = [
  'invalid',
  'transient',
  'conflict',
  'missing',
  'cancelled',
  'bug',
];

function dispositionOf(error: unknown): ErrorReason {
  if (!(error instanceof Error) || !('disposition' in error)) return 'bug';
  return DISPOSITIONS.find((known) => known === error.disposition) ?? 'bug';
}
