// Stands between the control loop and its engine and sees what a pass sees: because a decision is a function of what
// was observed, the witness can make it as well, and show both to the invariants.

import { type Desired, readDesired } from '../../../src/controller/desired.ts';
import type { Engine } from '../../../src/controller/engine.ts';
import { observe } from '../../../src/controller/observe.ts';
import type { Prober } from '../../../src/controller/prober.ts';
import type { Keys } from '../../../src/store/keys.ts';
import type { Mirror } from '../../../src/store/mirror.ts';
import { decide } from '../../../strategies/decide.ts';
import type { Action, ContainerState, Observed, Plan, ServiceSpec } from '../../../strategies/model.ts';
import { planRetirement } from '../../../strategies/retire.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One look of a pass, and what it came to. */
export interface Look {
  readonly desired: Desired;
  readonly spec: ServiceSpec;
  readonly observed: Observed;
  readonly plan: Plan;
  readonly at: number;
}

export interface WitnessEvents {
  /** The control loop orders an action, decided by this look. */
  onAction(daemonId: string, service: string, action: Action, look: Look): void;
}

interface WitnessParts {
  readonly id: string;
  readonly mirror: Mirror;
  readonly keys: Keys;
  readonly time: VirtualTime;
  readonly events: WitnessEvents;
}

export class Witness implements Engine {
  readonly #parts: WitnessParts;
  readonly #begun = new Map<string, { desired: Desired; containers: readonly ContainerState[] }>();
  readonly #looks = new Map<string, Look>();
  #attended: { readonly engine: Engine; readonly prober: Prober } | null = null;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  attend(engine: Engine, prober: Prober): void {
    this.#attended = { engine, prober };
  }

  /** What the pass under way decided from, or null. */
  lookOf(service: string): Look | null {
    return this.#looks.get(service) ?? null;
  }

  // A pass reads the keys, then asks for containers in the same turn, and for troubles last of all before it decides.
  async observe(service: string): Promise<readonly ContainerState[]> {
    const { mirror, keys } = this.#parts;
    this.#looks.delete(service);
    const desired = readDesired(mirror, keys, service);
    const containers = await this.#engine.observe(service);
    this.#begun.set(service, { desired, containers });
    return containers;
  }

  troubles(service: string) {
    const begun = this.#begun.get(service);
    this.#begun.delete(service);
    if (begun !== undefined) this.#look(service, begun.desired, begun.containers);
    return this.#engine.troubles(service);
  }

  execute(service: string, action: Action): void {
    const look = this.#looks.get(service);
    if (look !== undefined) this.#parts.events.onAction(this.#parts.id, service, action, look);
    this.#engine.execute(service, action);
  }

  stopping(service: string) {
    return this.#engine.stopping(service);
  }

  forgetTroubles(service: string): void {
    this.#engine.forgetTroubles(service);
  }

  images(service: string) {
    return this.#engine.images(service);
  }

  tailLog(containerId: string) {
    return this.#engine.tailLog(containerId);
  }

  keepImages(service: string, ids: readonly string[]): void {
    this.#engine.keepImages(service, ids);
  }

  pruneImages(...asked: Parameters<Engine['pruneImages']>) {
    return this.#engine.pruneImages(...asked);
  }

  get #engine(): Engine {
    if (this.#attended === null) throw new Error('nothing to attend yet');
    return this.#attended.engine;
  }

  #look(service: string, desired: Desired, containers: readonly ContainerState[]): void {
    if (this.#attended === null || desired.spec === null) return;
    const { spec } = desired.spec;
    const observed = observe(desired, desired.spec, containers, this.#attended);
    const at = this.#parts.time.wall;
    const plan = (desired.isSpecGone ? planRetirement : decide)(spec, observed, at);
    this.#looks.set(service, { desired, spec, observed, plan, at });
  }
}
