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
 * The effective split: each revision keeps at most desired × ready ÷ needed, and what it cannot carry is poured over
 * those that may exceed their share, where a replica has the least to carry first. Sums to 100 while anything is ready,
 * else it is empty.
 *
 * Worked example: stable 90 with 3 of 3 ready, candidate 10 with 0 of 1 ready → stable 100.
 * Back from a candidate: stable desired 100, 1 of 3 ready; candidate desired 0, 3 ready → stable 33, candidate 67;
 * with 1 ready candidate both carry 50.
 */
export function computeEffective(capacities: readonly Capacity[]): Split {
  const able = capacities.filter((c) => c.ready > 0);
  if (able.length === 0) return {};
  const carried = able.map((c) => c.desired * Math.min(1, c.ready / Math.max(1, c.needed)));
  const lost = 100 - sum(carried);
  if (lost < 1e-9) return roundSplit(able, carried);
  const parts = able.map((c, i) => ({ ...c, weight: carried[i] ?? 0 }));
  const free = parts.filter((c) => c.mayExceed);
  const takers = free.length > 0 ? free : parts;
  const level = findLevel(takers, lost);
  const poured = parts.map((c) => (takers.includes(c) ? Math.max(c.weight, level * c.ready) : c.weight));
  return roundSplit(able, poured);
}

// The load of one replica up to which the lightest takers are filled when `lost` has been poured over them.
function findLevel(
  takers: readonly { readonly weight: number; readonly ready: number }[],
  lost: number,
): number {
  const order = [...takers].sort((a, b) => a.weight / a.ready - b.weight / b.ready);
  let [weight, ready] = [lost, 0];
  for (const taker of order) {
    if (ready > 0 && weight / ready <= taker.weight / taker.ready) break;
    weight += taker.weight;
    ready += taker.ready;
  }
  return weight / ready;
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
// But who carries anything keeps 1 at least, at the cost of the largest: rounding takes nobody out of service.
function roundSplit(of: readonly { readonly revision: number }[], exact: readonly number[]): Split {
  const parts = of.map(({ revision }, i) => {
    const value = exact[i] ?? 0;
    const floor = value > 1e-9 ? Math.max(1, Math.floor(value + 1e-9)) : 0;
    return { revision, floor, rest: value - floor };
  });
  let left = 100 - sum(parts.map((part) => part.floor));
  const order = [...parts].sort((a, b) => b.rest - a.rest || a.revision - b.revision);
  const split: Record<number, number> = {};
  for (const part of order) {
    split[part.revision] = part.floor + (left > 0 ? 1 : 0);
    left -= 1;
  }
  const [largest] = [...parts].sort((a, b) => b.floor - a.floor);
  const over = sum(Object.values(split)) - 100;
  if (largest !== undefined && over > 0) split[largest.revision] = largest.floor - over;
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
