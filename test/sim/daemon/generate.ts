// A seed → a plot. Small worlds are the most: they are quick, and what breaks mostly breaks in a small one.
import type { CommandWord } from '../../../strategies/model.ts';
import { Random } from '../../support/random.ts';
import { drawBlameless, drawFault } from './generate-faults.ts';
import { drawSpec, drawStrategy } from './generate-spec.ts';
import {
  type Act,
  GOOD,
  LAST_VERSION,
  type Plot,
  type ServicePlot,
  type Timed,
  type VersionPlot,
} from './plot.ts';

const VERSIONS = ['v1', 'v2', 'v3', 'v4'] as const;
/** When the first acts may come: the first release stands by then, or never will. */
const FIRST_MS = 15_000;

export function generate(seed: number): Plot {
  const random = new Random(seed);
  const isBlameless = random.chance(0.1);
  const services = Array.from({ length: drawCount(random) }, (_, i) => drawService(random, i, isBlameless));
  const [first, ...others] = services.map(({ name }) => name);
  const names: readonly [string, ...string[]] = [first ?? 's1', ...others];
  const acts = drawTimes(random, random.integer(1, 6 + services.length)).map((at) => ({
    at,
    what: isBlameless ? drawRelease(random, names) : drawAct(random, names),
  }));
  return {
    ...{ seed, services, isBlameless, acts },
    faults: drawFaults(random, names, isBlameless),
    proxies: Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, () => ({
      appliesAfterMs: random.pick([0, 5, 20, 20, 1500]),
      drainsAfterMs: random.pick([0, 500, 500, 3000, 20_000]),
    })),
    controllers: random.pick([1, 1, 2]),
    storeMs: random.pick([0, 1, 5, 5, 200]),
    engineMs: random.pick([0, 5, 50, 50, 500]),
  };
}

function drawFaults(random: Random, names: readonly [string, ...string[]], isBlameless: boolean) {
  const draw = () => (isBlameless ? drawBlameless(random) : drawFault(random, names));
  const count = isBlameless ? random.integer(1, 6) : random.chance(0.1) ? 0 : random.integer(1, 8);
  return drawTimes(random, count).map((at) => ({ at, what: draw() }));
}

function drawCount(random: Random): number {
  const roll = random.next();
  if (roll < 0.7) return 1;
  if (roll < 0.9) return 2;
  return roll < 0.985 ? random.integer(3, 4) : random.integer(5, 20);
}

function drawService(random: Random, index: number, isBlameless: boolean): ServicePlot {
  const versions: Record<string, VersionPlot> = { v1: GOOD, [LAST_VERSION]: GOOD };
  for (const version of VERSIONS.slice(1)) versions[version] = isBlameless ? GOOD : drawVersion(random);
  const spec = drawSpec(random);
  // No image is forgotten there: a registry of ours that lost one would be blamed on the version.
  return { name: `s${index + 1}`, spec: isBlameless ? { ...spec, history: 10 } : spec, versions };
}

function drawVersion(random: Random): VersionPlot {
  const pull = random.chance(0.75)
    ? {}
    : random.pick([
        { pullMs: 8000 },
        { pullMs: 90_000 },
        { pullFailures: 2, pullFailure: 'rate-limit' as const },
        { pullFailures: 1000, pullFailure: 'missing' as const },
        { pullFailures: 1000, pullFailure: 'network' as const },
      ]);
  const flapsEveryMs = random.chance(0.08) ? random.pick([4000, 20_000, 60_000]) : null;
  return { ...GOOD, ...pull, flapsEveryMs, behaviour: { ...GOOD.behaviour, ...drawBehaviour(random) } };
}

function drawBehaviour(random: Random) {
  if (random.chance(0.55)) return {};
  return random.pick([
    { startDelayMs: 3000 },
    { readyAfterMs: 15_000 },
    { stopDelayMs: 6000 },
    { stopDelayMs: 60_000 },
    { readyAfterMs: Number.POSITIVE_INFINITY },
    { exitsAfterMs: 100, exitCode: 3 },
    { exitsAfterMs: 100, outOfMemory: true },
    { exitsAfterMs: 15_000 },
    { exitsAfterMs: 70_000 },
    { failsAfterMs: 12_000 },
    { failsAfterMs: 60_000 },
    { startError: 'exec: "serve": executable file not found' },
  ]);
}

/** Some close together, some far apart: what follows a change within its first moments is where it hurts. */
function drawTimes(random: Random, count: number): readonly number[] {
  let at = FIRST_MS;
  return Array.from({ length: count }, () => {
    at += random.pick([0, 1, 50, 700, 2000, 5000, 12_000, 30_000, 60_000]);
    return at;
  });
}

const WORDS: readonly [CommandWord, ...CommandWord[]] = [
  ...(['promote', 'promote', 'pause', 'resume', 'resume', 'abort', 'retry', 'restart', 'rollback'] as const),
];

function drawRelease(random: Random, names: readonly [string, ...string[]]): Act {
  const service = random.pick(names);
  if (random.chance(0.7)) return { kind: 'release', service, version: random.pick(VERSIONS) };
  return { kind: 'scale', service, replicas: random.integer(1, 5) };
}

function drawAct(random: Random, names: readonly [string, ...string[]]): Act {
  const service = random.pick(names);
  const roll = random.integer(1, 24);
  if (roll <= 9) return { kind: 'release', service, version: random.pick(VERSIONS) };
  if (roll <= 14) return { kind: 'command', service, word: random.pick(WORDS), to: null };
  if (roll === 15) return { kind: 'command', service, word: 'rollback', to: random.integer(1, 3) };
  if (roll <= 17) return { kind: 'weights', service, weights: drawWeights(random) };
  if (roll === 18) {
    const reason = random.pick([null, 'sale']);
    return { kind: 'freeze', service: random.pick([service, null]), reason };
  }
  if (roll <= 20) return { kind: 'scale', service, replicas: random.pick([0, 1, 2, 3, 4, 5]) };
  if (roll === 21) return { kind: 'respec', service, change: { strategy: drawStrategy(random) } };
  if (roll === 22)
    return { kind: 'respec', service, change: { environment: { LEVEL: random.pick(['a', 'b']) } } };
  if (roll === 23) return { kind: 'spoil', service };
  return { kind: 'retire', service };
}

function drawWeights(random: Random): string | null {
  const [a, b] = [random.pick(VERSIONS), random.pick(VERSIONS)];
  if (random.chance(0.3)) return null;
  return a === b ? `${a}=100` : `${a}=70,${b}=30`;
}

export type { Timed };
