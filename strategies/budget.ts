// How many replicas may be above or below `replicas` during a rollout. Kubernetes' arithmetic
// (pkg/controller/deployment/util, ResolveFenceposts): a surge percentage rounds up, an unavailable one rounds down.
import type { Amount, Order, ServiceSpec } from './spec.ts';

export interface Budget {
  /** Replicas that may exist beyond `replicas`. */
  readonly surge: number;
  /** Replicas that may be missing from service. */
  readonly unavailable: number;
}

/**
 * Worked example: 3 replicas, surge 25 %, unavailable 25 % → surge 1 (0.75 up), unavailable 0 (0.75 down).
 * 1 replica, surge 0 %, unavailable 25 % → both 0, so unavailable becomes 1: otherwise nothing could ever move.
 */
export function computeBudget(replicas: number, surge: Amount, unavailable: Amount): Budget {
  const up = resolveAmount(surge, replicas, Math.ceil);
  const down = Math.min(replicas, resolveAmount(unavailable, replicas, Math.floor));
  return up === 0 && down === 0 ? { surge: 0, unavailable: 1 } : { surge: up, unavailable: down };
}

/** Of any strategy: blue-green and canary may stand twice, recreate not even once more. */
export function computeOwnBudget({ replicas, strategy }: ServiceSpec): Budget {
  switch (strategy.type) {
    case 'rolling':
      return computeBudget(replicas, strategy.surge, strategy.unavailable);
    case 'recreate':
      return { surge: 0, unavailable: 1 };
    case 'blue-green':
    case 'canary':
      return { surge: replicas, unavailable: 0 };
  }
}

/** A rollback's budget: parallelism 0 is all at once. */
export function computeRollbackBudget(replicas: number, parallelism: number, order: Order): Budget {
  const atOnce = Math.max(1, parallelism === 0 ? replicas : Math.min(parallelism, replicas));
  return order === 'start-first' ? { surge: atOnce, unavailable: 0 } : { surge: 0, unavailable: atOnce };
}

/** Replicas that a canary weight needs: its share of `replicas`, rounded up, never 0 for a weight above 0. */
export function computeStepReplicas(replicas: number, weight: number, amount: Amount | null): number {
  if (amount !== null) return Math.min(replicas, Math.max(1, resolveAmount(amount, replicas, Math.ceil)));
  return Math.ceil((replicas * weight) / 100);
}

function resolveAmount(amount: Amount, replicas: number, round: (n: number) => number): number {
  return 'count' in amount ? amount.count : round((replicas * amount.percent) / 100);
}
