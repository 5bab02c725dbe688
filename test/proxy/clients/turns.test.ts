import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { takeTurn } from '../../../proxy/clients/turns.ts';

/** Longer than all that a turn may take. */
const burn = (): void => {
  for (const end = performance.now() + 1; performance.now() < end; );
};

it('does what comes at once over several turns, in its order', async () => {
  const done: number[] = [];
  for (let each = 0; each < 5; each += 1)
    takeTurn(() => {
      burn();
      done.push(each);
    });
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

it('does in the same turn what costs little', () => {
  let done = 0;
  for (let each = 0; each < 20; each += 1) takeTurn(() => (done += 1));
  expect(done).toBe(20);
});
