// A sample of the places where a controller can die, and of other faults, in every strategy's rollouts; all of them are
// `npm run test:faults`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { seedRandom } from '../support/random.ts';
import { STRATEGIES } from '../support/service.ts';
import { buildVersions } from '../support/versions.ts';
import { type Baseline, countHeld, isKill, KILLS, type Point, samplePoints } from './points.ts';
import { STORIES, STORY_VERSIONS } from './story.ts';
import { openSweep, type Sweep } from './sweep.ts';

const SEED = 20_260_101;
const random = seedRandom(SEED);
let etcd: EtcdServer;
let sweep: Sweep;

beforeAll(async () => {
  await buildVersions(...STORY_VERSIONS);
  etcd = await startEtcd();
  sweep = await openSweep(etcd, 2);
});
afterAll(async () => {
  await sweep?.close();
  await etcd?.stop();
});

const QUICK = ['delay', 'error', 'truncate', 'cut-streams'] as const;

/** One kill of each story, before a call or after it, and another fault where the story is quick. */
function choose(baseline: Baseline): readonly Point[] {
  const { strategy, kind } = baseline.story;
  if (kind === 'sick') return samplePoints(baseline, ['kill-after'], 1, random);
  const at = STRATEGIES.indexOf(strategy) + (kind === 'good' ? 0 : 1);
  const [kill, other] = [KILLS[at % KILLS.length] ?? 'kill-before', QUICK[at % QUICK.length] ?? 'delay'];
  return samplePoints(baseline, [kill, other], 1, random);
}

describe('every strategy, a version that is good, one that is bad and one that sickens', () => {
  it('ends as if nothing had been, wherever its controller died or a call failed, and loses no request', {
    timeout: 600_000,
  }, async () => {
    const verdicts = await sweep.play(STORIES, choose);
    const kills = verdicts.filter(isKill);
    const others = verdicts.filter((each) => !isKill(each));
    process.stdout.write(`${countHeld('crash points', kills)} (seed ${SEED})\n`);
    process.stdout.write(`${countHeld('other faults', others)} (seed ${SEED})\n`);
    expect(
      verdicts.flatMap(({ point, problems }) => problems.map((problem) => `${point}: ${problem}`)),
    ).toEqual([]);
    expect([kills.length, others.length]).toEqual([12, 8]);
  });
});
