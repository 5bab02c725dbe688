// One thing that goes wrong.

import type { Random } from '../../support/random.ts';
import type { Fault } from './plot.ts';

const KINDS: readonly [Fault['kind'], ...Fault['kind'][]] = [
  ...(['crash', 'crash-between-commit-and-action', 'crash-between-commit-and-action'] as const),
  ...(['crash-before-engine-call', 'crash-after-engine-call', 'leader-paused', 'leader-paused'] as const),
  ...([
    'leader-cut-off',
    'clock-step',
    'events-lost',
    'events-late',
    'mirror-stale',
    'mirror-stale',
  ] as const),
  ...(['engine-slow', 'store-call-fails', 'store-reply-lost', 'store-reply-lost'] as const),
  ...(['watches-cut', 'engine-call-fails', 'engine-reply-lost', 'engine-reply-lost', 'engine-down'] as const),
  ...([
    'replica-dies',
    'replica-dies',
    'replica-removed',
    'probes-fail',
    'proxy-comes',
    'proxy-dies',
  ] as const),
  ...(['store-down', 'store-frozen', 'store-frozen'] as const),
  ...(['proxy-hangs', 'proxy-refuses', 'proxy-slow', 'proxy-cut-off'] as const),
];

const HOUR = 3_600_000;
const STEPS = [-60_000, -3000, 3000, 20_000, HOUR, -HOUR, 24 * HOUR, -24 * HOUR] as const;

/** Faults that are no version's fault, and shorter than any deadline: the clock is set, controllers die. */
export function drawBlameless(random: Random): Fault {
  if (random.chance(0.6)) return { kind: 'clock-step', byMs: random.pick(STEPS) };
  return random.pick([
    { kind: 'crash' },
    { kind: 'crash-between-commit-and-action' },
    { kind: 'store-frozen', forMs: 15_000 },
    { kind: 'leader-paused', forMs: 12_000 },
  ]);
}

export const FAULT_KINDS: readonly Fault['kind'][] = [...new Set(KINDS)];

export function drawFault(random: Random, names: readonly [string, ...string[]]): Fault {
  const kind = random.pick(KINDS);
  switch (kind) {
    case 'crash':
    case 'crash-between-commit-and-action':
    case 'watches-cut':
    case 'proxy-comes':
      return { kind };
    case 'crash-before-engine-call':
    case 'crash-after-engine-call':
    case 'store-call-fails':
    case 'store-reply-lost':
    case 'engine-call-fails':
    case 'engine-reply-lost':
      return { kind, calls: random.integer(1, 4) };
    case 'leader-paused':
    case 'leader-cut-off':
      return { kind, forMs: random.pick([1000, 6000, 12_000, 40_000]) };
    case 'clock-step':
      return { kind, byMs: random.pick(STEPS) };
    case 'events-lost':
    case 'store-down':
    case 'store-frozen':
    case 'engine-down':
      return { kind, forMs: random.pick([2000, 15_000, 50_000]) };
    case 'events-late':
    case 'engine-slow':
      return { kind, forMs: random.pick([5000, 40_000]), byMs: random.pick([300, 3000, 15_000]) };
    case 'mirror-stale':
      return { kind, forMs: random.pick([5000, 40_000]), byMs: random.pick([100, 1000, 8000, 20_000]) };
    case 'replica-dies':
    case 'replica-removed':
    case 'proxy-dies':
    case 'proxy-hangs':
    case 'proxy-refuses':
      return { kind, index: random.integer(0, 5) };
    case 'probes-fail':
      return { kind, service: random.pick(names), forMs: random.pick([1000, 12_000, 30_000]) };
    case 'proxy-slow':
      return { kind, index: random.integer(0, 5), byMs: random.pick([500, 5000]) };
    case 'proxy-cut-off':
      return { kind, index: random.integer(0, 5), forMs: random.pick([3000, 20_000]) };
  }
}
