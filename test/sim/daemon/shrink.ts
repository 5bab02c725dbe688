// Makes a failing plot small: leaves out one act, fault, service, proxy or controller after the other, as long as it
// still fails.

import { play } from './play.ts';
import type { Plot } from './plot.ts';

interface Failure {
  readonly plot: Plot;
  readonly error: Error;
}

/** Tries at most, so that it ends in any case. */
const LIMIT = 300;

export async function shrink(plot: Plot, error: Error): Promise<Failure> {
  let best: Failure = { plot, error };
  let tries = 0;
  for (let candidates = listSmaller(plot); ; ) {
    const next = candidates.shift();
    if (next === undefined || tries >= LIMIT) return best;
    tries += 1;
    const failure = await playFailing(next);
    if (failure === null) continue;
    best = { plot: next, error: failure };
    candidates = listSmaller(next);
  }
}

async function playFailing(plot: Plot): Promise<Error | null> {
  try {
    await play(plot);
    return null;
  } catch (error) {
    return error as Error;
  }
}

function listSmaller(plot: Plot): Plot[] {
  const { services, acts, faults, proxies, controllers } = plot;
  return [
    ...(services.length < 2 ? [] : services.map(({ name }) => withoutService(plot, name))),
    ...without(acts).map((fewer) => ({ ...plot, acts: fewer })),
    ...without(faults).map((fewer) => ({ ...plot, faults: fewer })),
    ...without(proxies).map((fewer) => ({ ...plot, proxies: fewer })),
    ...(controllers < 2 ? [] : [{ ...plot, controllers: controllers - 1 }]),
  ];
}

function withoutService(plot: Plot, service: string): Plot {
  const isOther = ({ what }: { readonly what: object }) => !('service' in what) || what.service !== service;
  return {
    ...plot,
    services: plot.services.filter(({ name }) => name !== service),
    acts: plot.acts.filter(isOther),
    faults: plot.faults.filter(isOther),
  };
}

function without<T>(all: readonly T[]): (readonly T[])[] {
  return all.map((one) => all.filter((other) => other !== one));
}
