import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { Deadlines } from '../../../proxy/exchange/deadlines.ts';
import { takeTurn, untilTaken } from '../../../proxy/messages/turns.ts';
import { burn } from '../clients/http1-stage.ts';
import { until } from '../rig.ts';

/** Longer than all that a turn may take. */
const LONG_MS = 1;

/** Which of them are done, in their order. */
function takeLongTurns(count: number): number[] {
  const done: number[] = [];
  for (let each = 0; each < count; each += 1)
    takeTurn(() => {
      burn(LONG_MS);
      done.push(each);
    });
  return done;
}

beforeEach(async () => {
  await untilTaken();
  // What a turn may take depends on the one before.
  for (let turns = 0; turns < 3; turns += 1) await turn();
});

it('does what comes at once over several turns, in its order', async () => {
  const done = takeLongTurns(30);
  expect(done).toEqual([0]);
  let turns = 0;
  for (; done.length < 30; turns += 1) {
    await turn();
    // What comes later does not go before it, however much of this turn is left.
    if (turns === 0) takeTurn(() => done.push(30));
  }
  // A machine that is busy elsewhere makes a turn long, and a long one takes more of them.
  expect(turns).toBeGreaterThan(5);
  await untilTaken();
  expect(done).toEqual(Array.from({ length: 31 }, (_, each) => each));
});

it('does in the same turn what costs little', async () => {
  let most = 0;
  // A machine that is busy elsewhere may make a turn long, but not all of them.
  for (let round = 0; round < 100 && most < 20; round += 1) {
    await untilTaken();
    await turn();
    let done = 0;
    for (let each = 0; each < 20; each += 1) takeTurn(() => (done += 1));
    most = Math.max(most, done);
  }
  expect(most).toBe(20);
});

it('gets its share of turns that are long for other reasons', async () => {
  const done = takeLongTurns(100);
  let turns = 0;
  for (; done.length < 100; turns += 1) {
    burn(20);
    await turn();
  }
  // Of 20 ms and more a quarter, in pieces of one: five of them, not one.
  expect(turns).toBeLessThan(30);
});

it('tells when nothing waits', async () => {
  const done = takeLongTurns(3);
  expect(done).toEqual([0]);
  await untilTaken();
  expect(done).toEqual([0, 1, 2]);
});

it('looks for what is late behind all that has come in time', async () => {
  const order: string[] = [];
  const deadlines = new Deadlines(5);
  deadlines.add({
    deadlineAt: performance.now() + 10,
    deadlinePlace: -1,
    expire() {
      deadlines.remove(this);
      order.push('late');
    },
  });
  for (let each = 0; each < 20; each += 1)
    takeTurn(() => {
      burn(LONG_MS);
      order.push('in time');
    });
  burn(30);
  await until(() => order.includes('late'), 'the late one is found');
  expect(order.indexOf('late')).toBe(20);
});

it('does not look for what became late while it waited: what came in time may wait behind it', async () => {
  const begunAt = performance.now();
  const deadlines = new Deadlines(5);
  let expired = 0;
  const deadline = { deadlineAt: begunAt + 60, deadlinePlace: -1, expire: () => (expired += 1) };
  deadlines.add(deadline);
  takeLongTurns(100);
  while (performance.now() < begunAt + 20) await turn();
  takeTurn(() => {
    deadline.deadlineAt = Number.POSITIVE_INFINITY;
  });
  await untilTaken();
  await until(() => performance.now() > begunAt + 100, 'it has looked');
  expect(expired).toBe(0);
  deadlines.remove(deadline);
});
