// Stands between the control loop and its engine and sees what a pass sees: what it decided, from what, and what it then
// orders. Shows both to the invariants.

import type { Decision } from '../../../src/controller/decision.ts';
import type { Engine } from '../../../src/controller/engine.ts';
import type { Action, ContainerState } from '../../../strategies/model.ts';

/** `madeAt`: in the machine's monotonic time. */
export type Look = Decision & { readonly madeAt: number };

export interface WitnessEvents {
  /** The control loop orders an action, decided by this look. */
  onAction(daemonId: string, service: string, action: Action, look: Look): void;
}

export class Witness implements Engine {
  readonly #id: string;
  readonly #events: WitnessEvents;
  readonly #looks = new Map<string, Look>();
  #attended: Engine | null = null;

  constructor(id: string, events: WitnessEvents) {
    this.#id = id;
    this.#events = events;
  }

  attend(engine: Engine): void {
    this.#attended = engine;
  }

  note(decision: Decision, madeAt: number): void {
    this.#looks.set(decision.desired.service, { ...decision, madeAt });
  }

  /** What the pass under way decided from, or null. */
  lookOf(service: string): Look | null {
    return this.#looks.get(service) ?? null;
  }

  observe(service: string): Promise<readonly ContainerState[]> {
    this.#looks.delete(service);
    return this.#engine.observe(service);
  }

  confirm() {
    return this.#engine.confirm();
  }

  execute(service: string, action: Action): void {
    const look = this.#looks.get(service);
    if (look !== undefined) this.#events.onAction(this.#id, service, action, look);
    this.#engine.execute(service, action);
  }

  troubles(service: string) {
    return this.#engine.troubles(service);
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
    return this.#attended;
  }
}
