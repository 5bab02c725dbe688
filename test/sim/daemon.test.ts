// Generated worlds around the real control loop: `npm run sim` plays as many of them as one likes.
import { expect, it } from 'vitest';
import { generate } from './daemon/generate.ts';
import { play } from './daemon/play.ts';
import { Tally } from './daemon/tally.ts';

const WORLDS = 60;
const FIRST_SEED = 1;

it(`keeps the invariants and comes to rest in ${WORLDS} worlds`, { timeout: 120_000 }, async () => {
  const tally = new Tally();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed += 1) tally.add(await play(generate(seed)));
  console.log([`${tally.worlds} worlds, 0 broken`, ...tally.lines()].join('\n'));
  expect(tally.worlds).toBe(WORLDS);
  expect(tally.rollouts.size).toBeGreaterThan(4);
});

it('plays a seed the same way twice', { timeout: 60_000 }, async () => {
  const [once, again] = [await play(generate(5)), await play(generate(5))];
  expect(again.lines()).toEqual(once.lines());
});
