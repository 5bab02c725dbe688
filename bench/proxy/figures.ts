// Samples of several rounds → medians, and ratios that are taken round by round before their median is.
import { computeMedian } from '../figures.ts';

/** Of one contender, in one round. */
export type Sample = Readonly<Record<string, number>>;
/** By the contender's name: one sample per round, all of the same rounds. */
export type Rounds = Readonly<Record<string, readonly Sample[]>>;

export interface Summary {
  readonly name: string;
  readonly n: number;
  /** By the figure's name. */
  readonly median: Sample;
  readonly min: Sample;
  readonly max: Sample;
}

export function summarize(rounds: Rounds): Summary[] {
  return Object.entries(rounds).map(([name, samples]) => ({
    ...{ name, n: samples.length },
    median: reduce(samples, computeMedian),
    min: reduce(samples, (values) => Math.min(...values)),
    max: reduce(samples, (values) => Math.max(...values)),
  }));
}

/**
 * How many times as much `of` takes as `to`. Per round, since what else the machine does changes from round to round:
 * 90/30 and 40/20 are 3 and 2, so 2.5; the medians 65/25 would say 2.6.
 */
export function computeRatio(rounds: Rounds, figure: string, of: string, to: string): number {
  const above = rounds[of] ?? [];
  const below = rounds[to] ?? [];
  return computeMedian(above.map((sample, i) => (sample[figure] ?? Number.NaN) / (below[i]?.[figure] ?? 0)));
}

/** In round 0, 1, 2, …: each begins with another one, and every second goes the other way round. */
export function orderRound<T>(all: readonly T[], round: number): T[] {
  const at = round % Math.max(1, all.length);
  const turned = [...all.slice(at), ...all.slice(0, at)];
  return round % 2 === 0 ? turned : turned.reverse();
}

function reduce(samples: readonly Sample[], pick: (values: readonly number[]) => number): Sample {
  const names = Object.keys(samples[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, pick(samples.map((each) => each[name] ?? Number.NaN))]),
  );
}
