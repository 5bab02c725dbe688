// A sample of the places where a controller can die, and of other faults, in every strategy's rollouts; all of them are
// `npm run test:faults`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { buildVersions } from '../support/versions.ts';
import { type Baseline, countHeld, KILLS, samplePoints, type Verdict } from './points.ts';
import { seedRandom } from './random.ts';
import { STORIES } from './story.ts';
import { openSweep, type Sweep } from './sweep.ts';

const SEED = 20_260_101;
const random = seedRandom(SEED);
let etcd: EtcdServer;
let sweep: Sweep;
let baselines: readonly Baseline[];

beforeAll(async () => {
  await buildVersions('v1', 'v2', 'exits');
  etcd = await startEtcd();
  sweep = await openSweep(etcd, 2);
  baselines = await sweep.measure(STORIES);
});
afterAll(async () => {
  await sweep?.close();
  await etcd?.stop();
});

function expectHeld(what: string, verdicts: readonly Verdict[], count: number): void {
  process.stdout.write(`${countHeld(what, verdicts)} (seed ${SEED})\n`);
  expect(
    verdicts.flatMap(({ point, problems }) => problems.map((problem) => `${point}: ${problem}`)),
  ).toEqual([]);
  expect(verdicts).toHaveLength(count);
}

describe('every strategy, good version and bad', () => {
  it('ends as if nothing had been, wherever its controller was killed, and loses no request', async () => {
    const points = baselines.flatMap((baseline) => samplePoints(baseline, KILLS, 1, random));
    expectHeld('crash points', await sweep.try(points), 16);
  });

  it('ends as if nothing had been after a failed, slow, cut or lost answer, and loses no request', async () => {
    const quick = ['delay', 'error', 'truncate', 'cut-streams'] as const;
    const points = baselines.flatMap((baseline, at) => {
      const kind = quick[at % quick.length];
      return kind === undefined ? [] : samplePoints(baseline, [kind], 1, random);
    });
    expectHeld('other faults', await sweep.try(points), 8);
  });
});
