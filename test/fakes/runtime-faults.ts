// The failures that a test has ordered from the fake engine.
import type { RuntimeFailure } from '../../deploy/errors.ts';
import type { ContainerRuntime } from '../../deploy/runtime.ts';

export type RuntimeCall = Exclude<keyof ContainerRuntime, 'streamLog' | 'events'>;

export class Faults {
  /** While set, every call throws it. */
  away: RuntimeFailure | null = null;
  readonly #queues = new Map<RuntimeCall, RuntimeFailure[]>();

  add(call: RuntimeCall, failure: RuntimeFailure, times: number): void {
    const queue = this.#queues.get(call) ?? [];
    this.#queues.set(call, [...queue, ...Array.from({ length: times }, () => failure)]);
  }

  check(call: RuntimeCall): void {
    if (this.away !== null) throw this.away;
    const failure = this.#queues.get(call)?.shift();
    if (failure !== undefined) throw failure;
  }
}
