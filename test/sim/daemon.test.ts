// Generated worlds around the real control loop: `npm run sim` plays as many of them as one likes, and so does this, in
// processes of their own, since what vitest loads runs slower.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generate } from './daemon/generate.ts';
import { FAULT_KINDS } from './daemon/generate-faults.ts';
import { play } from './daemon/play.ts';
import { Tally } from './daemon/tally.ts';

const RUN = join(import.meta.dirname, 'run.ts');
const FIRST_SEED = 1;
const WORLDS = 10_000;
const JOBS = availableParallelism();
const ACTS = ['command', 'freeze', 'release', 'respec', 'retire', 'scale', 'spoil', 'weights'];
const STRATEGIES = ['blue-green', 'canary', 'recreate', 'rolling'];

async function playElsewhere(signal: AbortSignal): Promise<{ readonly tally: Tally; readonly said: string }> {
  const args = ['--seed', `${FIRST_SEED}`, '--worlds', `${WORLDS}`, '--jobs', `${JOBS}`];
  const child = fork(RUN, args, { execArgv: [], silent: true, signal });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => said.push(`${text}`));
  let tally = new Tally();
  child.once('message', (told) => {
    tally = Tally.from(told as ReturnType<Tally['toJSON']>);
  });
  await once(child, 'close');
  return { tally, said: said.join('') };
}

it(`keeps the invariants and comes to rest in ${WORLDS} worlds`, { timeout: 3_600_000 }, async ({
  signal,
}) => {
  const begun = performance.now();
  const { tally, said } = await playElsewhere(signal);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  expect(said).toBe('');
  const last = FIRST_SEED + WORLDS - 1;
  console.log(
    [
      `${tally.worlds} worlds, seeds ${FIRST_SEED} to ${last}, 0 broken, in ${seconds} s`,
      ...tally.lines(),
    ].join('\n'),
  );
  expect(tally.worlds).toBe(WORLDS);
  expect([...tally.acts.keys()].sort()).toEqual(ACTS);
  expect([...tally.faults.keys()].sort()).toEqual([...FAULT_KINDS].sort());
  const outcomes = ['succeeded', 'rolled-back', 'superseded', 'aborted'];
  const ends = STRATEGIES.flatMap((strategy) => outcomes.map((end) => `${strategy} release → ${end}`));
  expect([...tally.rollouts.keys()]).toEqual(expect.arrayContaining(ends));
  const large = ['services 15-19', 'replicas 10-14', 'acts a world 15-19', 'faults a world 5-9'];
  expect([...tally.sizes.keys()]).toEqual(expect.arrayContaining(large));
});

it('plays a seed the same way twice', async () => {
  const [once, again] = [await play(generate(5)), await play(generate(5))];
  expect(again.lines()).toEqual(once.lines());
});
