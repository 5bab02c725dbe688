// Entries in the order of their keys: where one stands, and all of one prefix, without a look at the others.
import type { Entry } from './port.ts';

/** Where `key` stands, or would. */
export function findPlace(sorted: readonly Entry[], key: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const entry = sorted[middle];
    if (entry !== undefined && entry.key < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

export function listBelow(sorted: readonly Entry[], prefix: string): readonly Entry[] {
  const from = findPlace(sorted, prefix);
  let to = from;
  while (sorted[to]?.key.startsWith(prefix) === true) to += 1;
  return sorted.slice(from, to);
}
