// A generated world as plain data: what there is, what operators do, and what goes wrong, each at its time. A run is a
// function of this and its seed, so that a part of it can be left out to see whether it matters.
import type { CommandWord, PullFailureKind } from '../../../strategies/model.ts';
import type { Behaviour } from '../../fakes/runtime.ts';

export interface VersionPlot {
  readonly behaviour: Behaviour;
  /** Probes fail for the first half of every period; null: never. */
  readonly flapsEveryMs: number | null;
  readonly pullMs: number;
  readonly pullFailures: number;
  readonly pullFailure: PullFailureKind;
}

/** As in a spec file. */
export type SpecText = Readonly<Record<string, unknown>> & { readonly replicas: number };

export interface ServicePlot {
  readonly name: string;
  readonly spec: SpecText;
  readonly versions: Readonly<Record<string, VersionPlot>>;
}

export interface ProxyPlot {
  readonly appliesAfterMs: number;
  readonly drainsAfterMs: number;
}

export type Act =
  | { readonly kind: 'release'; readonly service: string; readonly version: string }
  | {
      readonly kind: 'command';
      readonly service: string;
      readonly word: CommandWord;
      readonly to: number | null;
    }
  | { readonly kind: 'weights'; readonly service: string; readonly weights: string | null }
  | { readonly kind: 'freeze'; readonly service: string | null; readonly reason: string | null }
  | { readonly kind: 'scale'; readonly service: string; readonly replicas: number }
  | { readonly kind: 'respec'; readonly service: string; readonly change: Readonly<Record<string, unknown>> }
  | { readonly kind: 'spoil'; readonly service: string }
  | { readonly kind: 'retire'; readonly service: string };

export type Fault =
  | { readonly kind: 'crash' }
  | { readonly kind: 'crash-between-commit-and-action' }
  | { readonly kind: 'crash-before-engine-call' | 'crash-after-engine-call'; readonly calls: number }
  | { readonly kind: 'leader-paused' | 'leader-cut-off'; readonly forMs: number }
  | { readonly kind: 'clock-step'; readonly byMs: number }
  | { readonly kind: 'events-lost'; readonly forMs: number }
  | {
      readonly kind: 'events-late' | 'mirror-stale' | 'engine-slow';
      readonly forMs: number;
      readonly byMs: number;
    }
  | { readonly kind: 'store-call-fails' | 'store-reply-lost'; readonly calls: number }
  | { readonly kind: 'store-down' | 'store-frozen' | 'engine-down'; readonly forMs: number }
  | { readonly kind: 'watches-cut' }
  | { readonly kind: 'engine-call-fails' | 'engine-reply-lost'; readonly calls: number }
  | { readonly kind: 'replica-dies' | 'replica-removed'; readonly index: number }
  | { readonly kind: 'probes-fail'; readonly service: string; readonly forMs: number }
  | { readonly kind: 'proxy-comes' }
  | { readonly kind: 'proxy-dies' | 'proxy-hangs' | 'proxy-refuses'; readonly index: number }
  | { readonly kind: 'proxy-slow'; readonly index: number; readonly byMs: number }
  | { readonly kind: 'proxy-cut-off'; readonly index: number; readonly forMs: number };

export interface Timed<T> {
  readonly at: number;
  readonly what: T;
}

export interface Plot {
  readonly seed: number;
  readonly services: readonly ServicePlot[];
  readonly proxies: readonly ProxyPlot[];
  readonly controllers: number;
  /** From the request to the effect of a call. */
  readonly storeMs: number;
  readonly engineMs: number;
  readonly acts: readonly Timed<Act>[];
  readonly faults: readonly Timed<Fault>[];
  /** Nothing in it speaks against any version: none may be turned back. */
  readonly isBlameless: boolean;
}

/** A good version that every service is given at the end. */
export const LAST_VERSION = 'v9';

export const GOOD: VersionPlot = {
  behaviour: { readyAfterMs: 1000, stopDelayMs: 200 },
  flapsEveryMs: null,
  ...{ pullMs: 200, pullFailures: 0, pullFailure: 'missing' },
};
