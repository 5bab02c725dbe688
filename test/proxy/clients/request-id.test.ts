import { describe, expect, it } from 'vitest';
import { chooseRequestId, makeRequestId } from '../../../proxy/clients/request-id.ts';

it('each request has a name of its own, 32 hexadecimal digits, beyond one filling of the pool', () => {
  const ids = Array.from({ length: 10_000 }, makeRequestId);
  expect(new Set(ids).size).toBe(10_000);
  expect(ids.filter((id) => !/^[0-9a-f]{32}$/.test(id))).toEqual([]);
});

it('no digit of it is the same for long', () => {
  const ids = Array.from({ length: 512 }, makeRequestId);
  for (let place = 0; place < 32; place += 1)
    expect(new Set(ids.map((id) => id[place])).size, `digit ${place}`).toBeGreaterThan(8);
});

describe('a name that was given', () => {
  it.each(['a', 'Root=1-67891233-abcdef012345678912345678', '~'.repeat(128)])('is kept: %s', (given) => {
    expect(chooseRequestId(given)).toBe(given);
  });

  it.each(['', 'two words', 'a, b', 'tab\t', 'näme', 'a\u007f', 'a'.repeat(129)])('is not: %s', (given) => {
    expect(chooseRequestId(given)).toMatch(/^[0-9a-f]{32}$/);
  });
});
