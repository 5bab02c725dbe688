// All of it, which takes hours: every crash point of every story, many other faults, a hundred rounds of two controllers,
// outages as long as they are meant to be, two hundred releases in a row.
// What held is kept in a file and not tried again, so that a run can be broken off and gone on with.
//
//   npm run test:faults [-- crash|other [STRATEGY] [good|bad|sick]]
//   npm run test:faults -- leader|releases
//   npm run test:faults -- outage [WORDS OF ITS NAME]
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { setup } from '../support/global-setup.ts';
import { seedRandom } from '../support/random.ts';
import { buildVersions } from '../support/versions.ts';
import { type Freeze, judgeRound, openDuel } from './duel.ts';
import { describeReport } from './outage.ts';
import { OUTAGES } from './outages.ts';
import {
  type Baseline,
  countHeld,
  KILLS,
  listPoints,
  namePoint,
  nameStory,
  OTHERS,
  type Point,
  samplePoints,
  type Verdict,
} from './points.ts';
import { FaultRecord, readCommit } from './record.ts';
import { describeReleases, findGrowth, releaseInARow } from './releases.ts';
import { STORIES, STORY_VERSIONS } from './story.ts';
import { openSweep } from './sweep.ts';

/** Rigs side by side: more of them than processors, for much of a rollout is waiting. */
const WIDTH = 3;
const SEED = 20_260_101;
const OTHERS_OF_EACH_KIND = 10;
const ROUNDS = 100;
const LONG_ROUNDS = 10;
/** Beyond the lease's time to live, how long the other one may take. */
const TAKEOVER_GRACE_MS = 2_000;
const SHORT_TTL_MS = 2_000;
const LONG_TTL_MS = 10_000;
/** After as many as it takes until pools, caches and what is kept of the past are full. */
const RELEASES = 200;
const WARM_UP = 400;
const KIB_PER_100 = 1024;
const MODES = ['crash', 'other', 'leader', 'outage', 'releases'] as const;

type Mode = (typeof MODES)[number];
type SweepMode = Extract<Mode, 'crash' | 'other'>;

const record = new FaultRecord('.slipway/faults.jsonl', readCommit());

async function main([wanted, ...words]: readonly string[]): Promise<number> {
  const modes = MODES.filter((mode) => wanted === undefined || wanted === mode);
  if (modes.length === 0) throw new Error(`${wanted}: expected one of ${MODES.join(', ')}`);
  const tidy = await setup();
  try {
    await buildVersions(...STORY_VERSIONS, 'late');
    const etcd = await startEtcd();
    try {
      let failed = 0;
      for (const mode of modes) failed += await runMode(etcd, mode, words);
      return failed === 0 ? 0 : 1;
    } finally {
      await etcd.stop();
    }
  } finally {
    await tidy();
  }
}

/** Returns how many did not hold. */
async function runMode(etcd: EtcdServer, mode: Mode, words: readonly string[]): Promise<number> {
  switch (mode) {
    case 'leader':
      return await fight(etcd);
    case 'outage':
      return await suffer(words.join(' '));
    case 'releases':
      return await releaseMany(etcd);
    default:
      return await sweepAll(etcd, mode, words);
  }
}

async function sweepAll(etcd: EtcdServer, mode: SweepMode, words: readonly string[]): Promise<number> {
  const stories = STORIES.filter((story) =>
    words.every((word) => nameStory(story).split(' ').includes(word)),
  );
  const done = record.held();
  const sweep = await openSweep(etcd, WIDTH);
  const choose = (baseline: Baseline): readonly Point[] => {
    const all =
      mode === 'crash'
        ? listPoints(baseline, KILLS)
        : samplePoints(baseline, OTHERS, OTHERS_OF_EACH_KIND, seedRandom(SEED));
    const points = all.filter((point) => !done.has(namePoint(point)));
    const calls = JSON.stringify(baseline.calls);
    say(`${nameStory(baseline.story)}: ${calls} calls, ${all.length} points, ${points.length} to try`);
    return points;
  };
  try {
    const verdicts = await sweep.play(stories, choose, note);
    const what = mode === 'crash' ? 'crash points' : 'other faults';
    for (const story of stories) {
      const name = nameStory(story);
      say(
        countHeld(
          `${name}: ${what}`,
          verdicts.filter(({ point }) => point.startsWith(`${name}:`)),
        ),
      );
    }
    say(countHeld(what, verdicts));
    return verdicts.filter(({ problems }) => problems.length > 0).length;
  } finally {
    await sweep.close();
  }
}

/** Most rounds with a short lease; the last ones with the default of the program. */
async function fight(etcd: EtcdServer): Promise<number> {
  const short = await fightRounds(etcd, SHORT_TTL_MS, 0, ROUNDS - LONG_ROUNDS);
  return short + (await fightRounds(etcd, LONG_TTL_MS, ROUNDS - LONG_ROUNDS, ROUNDS));
}

async function fightRounds(etcd: EtcdServer, ttlMs: number, from: number, to: number): Promise<number> {
  const duel = await openDuel(etcd, ttlMs);
  const longest = { freeze: 0, kill: 0 };
  let failed = 0;
  let requests = 0;
  try {
    for (let index = from; index < to; index += 1) {
      const freeze = chooseFreeze(index);
      const round = await duel.round(freeze);
      const isLate = round.takeoverMs > ttlMs + TAKEOVER_GRACE_MS;
      const late = isLate ? [`the change of leaders took ${round.takeoverMs} ms`] : [];
      const problems = [...judgeRound(round), ...late];
      const kind = freeze.kind.startsWith('kill') ? 'kill' : 'freeze';
      longest[kind] = Math.max(longest[kind], round.takeoverMs);
      requests += round.requests;
      if (index % 10 === 9) say(`round ${index + 1} of ${ROUNDS}`);
      if (problems.length === 0) continue;
      failed += 1;
      say(`NOT HELD round ${index}: ${problems.join('; ')}: ${JSON.stringify(round)}`);
    }
  } finally {
    await duel.close();
  }
  const held = `${to - from} rounds with a lease of ${ttlMs} ms, ${to - from - failed} held`;
  const changes = `the longest change took ${longest.freeze} ms after a freeze, ${longest.kill} ms after a kill`;
  say(`leadership: ${held}; ${changes}; ${requests} requests beside them`);
  return failed;
}

async function suffer(words: string): Promise<number> {
  let failed = 0;
  for (const { name, run } of OUTAGES.filter((outage) => outage.name.includes(words))) {
    const report = await run(true);
    say(describeReport(name, report));
    for (const problem of report.problems) say(`  ${problem}`);
    failed += report.problems.length > 0 ? 1 : 0;
  }
  return failed;
}

async function releaseMany(etcd: EtcdServer): Promise<number> {
  const report = await releaseInARow(etcd, WARM_UP + RELEASES, WARM_UP);
  say(describeReleases(report));
  const grown = Object.values(report.programs).filter(
    ({ heapPer100, residentPer100 }) => Math.max(heapPer100, residentPer100) >= KIB_PER_100,
  );
  const problems = [...report.failures, ...findGrowth(report), ...grown.map(() => 'memory grows')];
  for (const problem of problems) say(`  ${problem}`);
  return problems.length > 0 ? 1 : 0;
}

/** A rollout of the story makes eight calls that change the engine. Every third leader is killed. */
function chooseFreeze(index: number): Freeze {
  const side = index % 2 === 0 ? 'after' : 'before';
  const thaws = Math.floor(index / 16) % 2 === 0 ? 'at-once' : 'afterwards';
  const nth = 1 + (Math.floor(index / 2) % 8);
  return { kind: index % 3 === 2 ? `kill-${side}` : `freeze-${side}`, thaws, nth };
}

function note(verdict: Verdict): void {
  record.add(verdict);
  const { point, struck, problems } = verdict;
  if (problems.length > 0) say(`NOT HELD ${point} (${struck}): ${problems.join('; ')}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exit(await main(process.argv.slice(2)));
