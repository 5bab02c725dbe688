import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seeOff } from '../../../proxy/clients/departures.ts';

/** Longer than all that a turn may take. */
const burn = (): void => {
  for (const end = performance.now() + 1; performance.now() < end; );
};

it('sees off those who go at once over several turns, in their order', async () => {
  const gone: number[] = [];
  for (let each = 0; each < 5; each += 1)
    seeOff(() => {
      burn();
      gone.push(each);
    });
  expect(gone).toEqual([0]);
  const seen: number[] = [];
  while (gone.length < 5) {
    await turn();
    seen.push(gone.length);
    // Who comes later does not go before them, however much of this turn is left.
    if (seen.length === 1) seeOff(() => gone.push(5));
  }
  expect(seen).toEqual([2, 3, 4, 5]);
  await turn();
  expect(gone).toEqual([0, 1, 2, 3, 4, 5]);
});

it('sees off in the same turn those who cost little', () => {
  let gone = 0;
  for (let each = 0; each < 20; each += 1) seeOff(() => (gone += 1));
  expect(gone).toBe(20);
});
