// Generated connections against a second reader: what reaches the target is what that reader finds in the same bytes, in
// the same order, and nothing else. Seeded: `SEED=7 RUNS=500000` plays others.
import { afterAll, expect, it } from 'vitest';
import { seedRandom } from '../../support/random.ts';
import { entryOf, Rig } from '../rig.ts';
import { sendAndEnd } from './converse.ts';
import { Judge } from './judge.ts';
import { writeMessages } from './messages.ts';
import { readRequests } from './oracle.ts';

const RUNS = Number(process.env.RUNS ?? 50_000);
const SEED = Number(process.env.SEED ?? 1);
/** Proxies side by side, each with a judge of its own, so that what one connection has sent is known. */
const LANES = 16;

const rigs = Array.from({ length: LANES }, () => new Rig());
afterAll(() => Promise.all(rigs.map((rig) => rig.close())));

const count = { connections: 0, sent: 0, wellFormed: 0, forwarded: 0, refused: 0 };

/** Throws at the first that differs. */
async function play(judge: Judge, port: number, text: string, cut: number): Promise<void> {
  judge.forget();
  const received = await sendAndEnd(port, text, cut);
  const { seen, problems } = judge;
  const expected = readRequests(text);
  const answers = received.match(/HTTP\/1\.1 200 /g)?.length ?? 0;
  const isRight =
    problems.length === 0 &&
    answers === seen.length &&
    seen.every((request, index) => request === expected[index]) &&
    !/HTTP\/1\.1 5/.test(received);
  if (!isRight) throw new Error(JSON.stringify({ text, cut, expected, seen, problems, received }, null, 1));
  count.connections += 1;
  count.wellFormed += expected.length;
  count.forwarded += seen.length;
  count.refused += received.match(/HTTP\/1\.1 4/g)?.length ?? 0;
}

it(`what a second reader finds, and nothing else, reaches the target: ${RUNS} connections`, async () => {
  await Promise.all(
    rigs.map(async (rig, lane) => {
      const chance = seedRandom(SEED * LANES + lane);
      const judge = await new Judge().listen(rig);
      const targets = [{ revision: 1, address: judge.address }];
      const port = await rig.serve({ web: entryOf([], { targets, proxy: { retries: 0 } }) });
      for (let run = 0; run < RUNS / LANES; run += 1) {
        const { text, count: messages } = writeMessages(chance);
        count.sent += messages;
        await play(judge, port, text, chance() < 0.5 ? 0 : Math.floor(chance() * text.length));
      }
    }),
  );
  console.log(`seed ${SEED}: ${JSON.stringify(count)}`);
  expect(count.forwarded).toBeGreaterThan(RUNS / 5);
  expect(count.refused).toBeGreaterThan(RUNS / 5);
  expect(rigs.flatMap(({ problems }) => problems)).toEqual([]);
}, 600_000);
