// What happened, in this process: names of things, never contents. Keeps the last ones for those who come late.
import type {
  ActionKind,
  Outcome,
  Phase,
  Reason,
  RolloutKind,
  StrategyType,
} from '../../strategies/model.ts';

export type ControllerEvent =
  | {
      readonly kind: 'rollout-started';
      readonly service: string;
      readonly rollout: string;
      readonly rolloutKind: RolloutKind;
      readonly strategy: StrategyType;
      readonly version: string;
      readonly revision: number;
    }
  | {
      readonly kind: 'rollout-step';
      readonly service: string;
      readonly rollout: string;
      readonly index: number;
      readonly count: number;
      readonly what: string;
    }
  | {
      readonly kind: 'rollout-finished';
      readonly service: string;
      readonly rollout: string;
      readonly version: string;
      readonly outcome: Outcome;
      readonly reason: Reason | null;
    }
  | {
      readonly kind: 'phase-changed';
      readonly service: string;
      readonly from: Phase | null;
      readonly to: Phase;
      readonly reason: Reason | null;
    }
  | {
      readonly kind: 'action-done';
      readonly service: string;
      readonly action: ActionKind;
      readonly subject: string;
    }
  | {
      readonly kind: 'action-failed';
      readonly service: string;
      readonly action: ActionKind;
      readonly subject: string;
      readonly reason: Reason;
    }
  | { readonly kind: 'invalid-key'; readonly service: string | null; readonly key: string }
  | { readonly kind: 'leader-gained' }
  | { readonly kind: 'leader-lost' }
  | { readonly kind: 'store-connected' }
  | { readonly kind: 'store-lost' };

/** `id` orders the events of one bus; `at` is RFC 3339, UTC. */
export interface RecordedEvent {
  readonly id: string;
  readonly at: string;
  readonly event: ControllerEvent;
}

export interface EventBus {
  /** Reaches every listener before it returns. */
  emit(event: ControllerEvent): void;
  /** Listeners must not throw and not wait. Returns the way to unsubscribe. */
  subscribe(listener: (recorded: RecordedEvent) => void): () => void;
  /** Everything kept after `id`; `complete` is false when some of it has gone, or the id is another bus's. */
  since(id: string): { readonly events: readonly RecordedEvent[]; readonly complete: boolean };
}

/** `now` is milliseconds since the epoch; the time of creation makes ids of two processes differ. */
export function createEventBus(now: () => number, capacity = 1000): EventBus {
  const origin = now().toString(36);
  const kept: RecordedEvent[] = [];
  const listeners = new Set<(recorded: RecordedEvent) => void>();
  let count = 0;
  return {
    emit(event) {
      count += 1;
      const recorded = { id: `${origin}-${count}`, at: new Date(now()).toISOString(), event };
      kept.push(recorded);
      if (kept.length > capacity) kept.shift();
      for (const listener of [...listeners]) listener(recorded);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    since(id) {
      const [from, number] = id.split('-');
      const seen = from === origin && /^\d+$/.test(number ?? '') ? Number(number) : -1;
      const oldest = count - kept.length;
      if (seen < oldest || seen > count) return { events: [...kept], complete: false };
      return { events: kept.slice(seen - oldest), complete: true };
    },
  };
}
