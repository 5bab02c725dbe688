// A look at a service and what is decided of it. The engine is asked as often as it takes to be sure of it.
import { decide } from '../../strategies/decide.ts';
import type { Observed, Plan, ServiceSpec } from '../../strategies/model.ts';
import { planRetirement } from '../../strategies/retire.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Store } from '../store/port.ts';
import { Attention } from './attention.ts';
import type { Clock } from './clock.ts';
import type { Desired, SpecState } from './desired.ts';
import type { Engine } from './engine.ts';
import { isBlame } from './evidence.ts';
import type { Leader } from './leader.ts';
import { observe } from './observe.ts';
import type { Prober } from './prober.ts';

export interface Decision {
  readonly desired: Desired;
  readonly spec: ServiceSpec;
  readonly observed: Observed;
  readonly plan: Plan;
  readonly at: number;
}

export interface DeciderOptions {
  readonly store: Pick<Store, 'commit'>;
  readonly mirror: Mirror;
  readonly keys: Keys;
  readonly leader: Leader;
  readonly engine: Engine;
  readonly prober: Prober;
  readonly clock: Clock;
}

/** False once another controller may lead. */
type Permit = ReturnType<Leader['permit']>;

export class Decider {
  readonly #options: DeciderOptions;
  readonly #attention = new Attention();

  constructor(options: DeciderOptions) {
    this.#options = options;
  }

  /** The service needs no look any more. */
  forget(service: string): void {
    this.#attention.lose(service);
  }

  /**
   * Null when another controller may lead by now. An engine that is about to end kills its containers first, and goes on
   * answering on the connections that it has: what is held against a version is looked at once more, after the engine has
   * taken a new one. Throws when the engine does not answer.
   */
  async decide(desired: Desired, spec: SpecState, permit: Permit): Promise<Decision | null> {
    const first = await this.#look(desired, spec, permit);
    if (first === null || !isBlame(first.plan, first.observed)) return first;
    await this.#ask(desired, () => this.#options.engine.confirm());
    return await this.#look(desired, spec, permit);
  }

  async #look(desired: Desired, state: SpecState, permit: Permit): Promise<Decision | null> {
    const { engine, leader, clock } = this.#options;
    const { service } = desired;
    const containers = await this.#ask(desired, () => engine.observe(service));
    if (!permit()) return null;
    const at = clock.now();
    const watchedSince = this.#attention.look(service, leader.term(), at);
    const observed = observe(desired, state, containers, { ...this.#options, watchedSince });
    const { spec } = state;
    return { desired, spec, observed, plan: planFor(desired, spec, observed, at), at };
  }

  // An engine that does not answer is told in the status; nothing else of it changes.
  async #ask<T>(desired: Desired, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      this.#attention.lose(desired.service);
      await this.#tellEngineAway(desired, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #tellEngineAway({ service }: Desired, message: string): Promise<void> {
    const { mirror, keys, leader, store, clock } = this.#options;
    const key = keys.status(service);
    const text = mirror.get(key)?.value;
    if (text === undefined || text.includes('"reason":"engine-unavailable"')) return;
    const said = { reason: 'engine-unavailable', message: `The engine does not answer: ${message}` };
    const updated = new Date(clock.toWall(clock.now())).toISOString();
    const value = JSON.stringify({ ...JSON.parse(text), ...said, updated });
    await store.commit({ guards: [leader.guard()], puts: [{ key, value }], deletes: [] });
  }
}

function planFor(desired: Desired, spec: ServiceSpec, observed: Observed, at: number): Plan {
  return desired.isSpecGone ? planRetirement(spec, observed, at) : decide(spec, observed, at);
}
