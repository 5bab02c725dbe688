// The desired split and what ready capacity makes of it. Weights are integers in percent, by revision number.

export type Split = Readonly<Record<number, number>>;

/** What one revision can carry: `ready` of the `needed` replicas that its desired weight was meant for. */
export interface Capacity {
  readonly revision: number;
  readonly desired: number;
  readonly ready: number;
  readonly needed: number;
  /** May be given more than it was meant to have when others cannot carry theirs; a candidate on trial may not. */
  readonly mayExceed: boolean;
}

/**
 * The effective split: each revision keeps at most desired × ready ÷ needed, and what it cannot carry goes to those
 * that may exceed their share, in proportion to their ready replicas, first to those that are not short themselves.
 * Sums to 100 while anything is ready, else it is empty.
 *
 * Worked example: stable 90 with 3 of 3 ready, candidate 10 with 0 of 1 ready → stable 100.
 * Back from a candidate: stable desired 100, 1 of 3 ready; candidate desired 0, 3 ready → stable 33, candidate 67.
 */
export function computeEffective(capacities: readonly Capacity[]): Split {
  const able = capacities.filter((c) => c.ready > 0);
  if (able.length === 0) return {};
  const carried = able.map((c) => c.desired * Math.min(1, c.ready / Math.max(1, c.needed)));
  const lost = 100 - sum(carried);
  if (lost < 1e-9) return roundSplit(able, carried);
  const takers = findTakers(able);
  const whole = sum(takers.map((c) => c.ready));
  const weights = able.map((c, i) => (carried[i] ?? 0) + (takers.includes(c) ? (lost * c.ready) / whole : 0));
  return roundSplit(able, weights);
}

function findTakers(able: readonly Capacity[]): readonly Capacity[] {
  const free = able.filter((c) => c.mayExceed);
  const unlimited = free.filter((c) => c.desired === 0 || c.ready >= c.needed);
  if (unlimited.length > 0) return unlimited;
  return free.length > 0 ? free : able;
}

/** Splits 100 in proportion to the counts; empty when all are 0. */
export function computeProportional(counts: Readonly<Record<number, number>>): Split {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  const total = sum(entries.map(([, count]) => count));
  if (total === 0) return {};
  const named = entries.map(([revision]) => ({ revision: Number(revision) }));
  return roundSplit(
    named,
    entries.map(([, count]) => (100 * count) / total),
  );
}

// Largest remainder (Hamilton): floors first, then one each to the largest fractions, the lower revision first on a tie.
function roundSplit(of: readonly { readonly revision: number }[], exact: readonly number[]): Split {
  const parts = of.map(({ revision }, i) => {
    const value = exact[i] ?? 0;
    const floor = Math.floor(value + 1e-9);
    return { revision, floor, rest: value - floor };
  });
  let left = 100 - sum(parts.map((part) => part.floor));
  const order = [...parts].sort((a, b) => b.rest - a.rest || a.revision - b.revision);
  const split: Record<number, number> = {};
  for (const part of order) {
    split[part.revision] = part.floor + (left > 0 ? 1 : 0);
    left -= 1;
  }
  return split;
}

/** Equal when every revision has the same weight; a weight of 0 equals absence. */
export function isSameSplit(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => (a[key] ?? 0) === (b[key] ?? 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
