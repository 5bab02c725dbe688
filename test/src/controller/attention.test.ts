import { expect, it } from 'vitest';
import { Attention } from '../../../src/controller/attention.ts';
import type { Term } from '../../../src/controller/leader.ts';

const termOf = (createRevision: number): Term => ({
  guard: { key: '/leader', createRevision },
  lost: new AbortController().signal,
  validUntil: () => 0,
});
const TERM = termOf(1);

it('lasts while looks follow each other within a minute', () => {
  const attention = new Attention();
  expect([0, 30_000, 90_000].map((at) => attention.look('web', TERM, at))).toEqual([0, 0, 0]);
});

it.each([
  ['a gap', (attention: Attention) => attention.look('web', TERM, 61_000), 61_000],
  ['another term', (attention: Attention) => attention.look('web', termOf(1), 10), 10],
  [
    'a look that failed',
    (attention: Attention) => {
      attention.lose('web');
      return attention.look('web', TERM, 10);
    },
    10,
  ],
])('begins anew after %s', (_, look, expected) => {
  const attention = new Attention();
  attention.look('web', TERM, 0);
  expect(look(attention)).toBe(expected);
  expect(attention.look('shop', TERM, expected)).toBe(expected);
});
