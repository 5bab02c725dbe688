// What the invariants look at, whichever layer is simulated: one service with its store, engine and proxies, as they are.
import type { Memory, Plan, ServiceSpec } from '../../strategies/model.ts';

export interface CheckedContainer {
  readonly name: string;
  readonly isRunning: boolean;
  readonly wasToldToStop: boolean;
  readonly address: string | null;
  readonly revision: { readonly number: number };
}

export interface CheckedProxy {
  readonly id: string;
  /** Its table names this target, `<revision>@<address>`. */
  names(target: string): boolean;
  /** Requests are in flight on a target that left its table. */
  isBusy(target: string): boolean;
}

export interface Checked {
  readonly spec: ServiceSpec;
  readonly now: number;
  readonly plan: Plan | null;
  readonly proxies: readonly CheckedProxy[];
  readonly engine: { readonly containers: ReadonlyMap<string, CheckedContainer> };
  readonly store: {
    readonly revision: number;
    readonly memory: Memory;
    readonly quarantined: readonly string[];
    readonly history: readonly { readonly id: string; readonly requested: number }[];
  };
  /** The end of the trace, for the message of a breach. */
  tail(): string;
}
