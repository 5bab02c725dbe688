// The same figures as a file: every sample, its medians, the ratios, and what they are of.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Placement } from './cores.ts';
import { computeRatio, summarize } from './figures.ts';
import type { Machine } from './machine.ts';
import type { Result } from './report.ts';

export interface Circumstances {
  readonly date: string;
  readonly machine: Machine;
  readonly placement: Placement;
  readonly rounds: number;
  readonly secondsPerRound: number;
}

export interface Measured extends Result {
  /** When it was done. */
  readonly loadAverage: number;
}

export async function writeReport(
  path: string,
  circumstances: Circumstances,
  results: readonly Measured[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ ...circumstances, results: results.map(compose) }, null, 2)}\n`);
}

function compose({ name, title, loadAverage, base, ratios, rounds }: Measured) {
  return {
    ...{ name, title, loadAverage },
    contenders: summarize(rounds).map(({ name: contender, n, median }) => ({
      ...{ name: contender, n, median },
      ratios: base === null ? {} : composeRatios(rounds, ratios, base, contender),
      samples: rounds[contender],
    })),
  };
}

function composeRatios(rounds: Result['rounds'], figures: readonly string[], base: string, to: string) {
  const entries = figures.map((figure) => [figure, computeRatio(rounds, figure, base, to)]);
  return { of: base, ...Object.fromEntries(entries) };
}
