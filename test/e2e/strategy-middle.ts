// The middle of a rollout, of each strategy: where it stands when something happens to it. In all but two of them
// requests reach the candidate; in those two they wait for it, or it waits for a word.
import { expect } from 'vitest';
import type { Load } from '../../scripts/load.ts';
import type { StatusDocument } from '../../src/cli/documents.ts';
import type { StrategyType } from '../../strategies/model.ts';
import type { Service, SpecFields } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';

export interface Middle {
  readonly what: string;
  /** With these fields of the strategy a rollout comes by there, and stays for seconds at least. */
  readonly tuning: SpecFields;
  isReached(status: StatusDocument): boolean;
  /** What the load shows there: of the candidate's answers, and of requests that wait. */
  isFelt(load: Load, candidate: string): boolean;
}

const isAnswered: Middle['isFelt'] = (load, candidate) => (load.report().byVersion[candidate] ?? 0) > 20;

export const PARKED: Middle = {
  what: 'while requests park',
  tuning: {},
  isReached: ({ stable, candidate }) =>
    stable?.replicas.total === 0 && (candidate?.replicas.total ?? 0) > 0 && candidate?.replicas.ready === 0,
  isFelt: (load) => load.report().inFlight > 50,
};

export const SHARING: Middle = {
  what: 'while both versions serve',
  tuning: {},
  isReached: ({ candidate }) => {
    const share = candidate?.weight.effective ?? 0;
    return share > 0 && share < 100;
  },
  isFelt: isAnswered,
};

/** Blue-green: nothing of the candidate serves yet. */
export const RISING: Middle = {
  what: 'while the candidate comes up',
  tuning: {},
  isReached: ({ candidate }) => (candidate?.replicas.total ?? 0) > 0 && candidate?.replicas.ready === 0,
  isFelt: () => true,
};

export const WAITING: Middle = {
  what: 'while it waits for promotion',
  tuning: { promotion: 'manual' },
  isReached: ({ reason, candidate }) =>
    reason === 'waiting-for-promotion' && candidate?.replicas.ready === 3 && candidate.weight.effective === 0,
  isFelt: () => true,
};

export const STEPPING: Middle = {
  what: 'at its first step',
  tuning: { steps: [{ weight: 34 }, { pause: 'manual' }, { weight: 67 }, { pause: 'manual' }] },
  isReached: ({ reason, candidate }) =>
    (reason === 'waiting-for-promotion' || reason === 'step-pause') && candidate?.weight.effective === 34,
  isFelt: isAnswered,
};

export const BAKING: Middle = {
  what: 'in the bake',
  tuning: { monitor: '60s' },
  isReached: ({ phase, candidate }) => phase === 'monitoring' && candidate?.weight.effective === 100,
  isFelt: isAnswered,
};

/** The last is the one furthest in: there the candidate has traffic. */
export const MIDDLES: Readonly<Record<StrategyType, readonly [...Middle[], Middle]>> = {
  recreate: [PARKED, BAKING],
  rolling: [SHARING],
  'blue-green': [WAITING, BAKING],
  canary: [STEPPING],
};

export function furthestOf(strategy: StrategyType): Middle {
  return MIDDLES[strategy].at(-1) ?? SHARING;
}

/** Resolves while the rollout stands there, and the load has felt it. */
export async function untilMiddle(service: Service, load: Load, middle: Middle): Promise<void> {
  const { candidate } = await service.until(middle.what, (status) => middle.isReached(status));
  await waitFor('the load to feel it', () => middle.isFelt(load, candidate?.version ?? ''));
  const status = await service.slipway.status(service.name);
  expect(status, `no longer ${middle.what}`).toSatisfy(
    (now: StatusDocument | null) => now !== null && middle.isReached(now),
  );
}
