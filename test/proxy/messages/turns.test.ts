import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
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

it('does what comes at once over several turns, in its order', async () => {
  const done = takeLongTurns(5);
  expect(done).toEqual([0]);
  const seen: number[] = [];
  while (done.length < 5) {
    await turn();
    seen.push(done.length);
    // What comes later does not go before it, however much of this turn is left.
    if (seen.length === 1) takeTurn(() => done.push(5));
  }
  expect(seen).toEqual([2, 3, 4, 5]);
  await turn();
  expect(done).toEqual([0, 1, 2, 3, 4, 5]);
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
