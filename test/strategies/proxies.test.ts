import { describe, expect, it } from 'vitest';
import type { Memory, Observed } from '../../strategies/model.ts';
import {
  findMissing,
  findRefusal,
  followProxies,
  isAcknowledged,
  MISSING_MS,
} from '../../strategies/proxies.ts';
import { NOW, observedOf, ready, routed } from './fixture.ts';

type Proxies = Memory['proxies'];
const live = (id: string) => ({ id, applied: 100, busy: {}, refused: {} });
const given = (known: Proxies, ids: readonly string[], more: Partial<Observed> = {}) =>
  observedOf({ memory: { proxies: known }, proxies: ids.map(live), ...more });

describe('followProxies', () => {
  const long = NOW - MISSING_MS;
  it.each<readonly [string, Observed, Proxies]>([
    ['one that came is known', given({}, ['p1']), { p1: null }],
    ['one whose key vanished is missed from now on', given({ p1: null }, []), { p1: NOW }],
    ['and still', given({ p1: NOW - 5000 }, []), { p1: NOW - 5000 }],
    ['but not for ever', given({ p1: long }, ['p2']), { p2: null }],
    ['one that is back is not missed', given({ p1: NOW - 5000 }, ['p1']), { p1: null }],
    ['one that gave its key back is not', given({ p1: null }, [], { parted: ['p1'] }), {}],
    ['nor will be one that is about to', given({ p1: null }, ['p1'], { parted: ['p1'] }), {}],
    [
      'a controller that has just come waits as long',
      given({ p1: long }, [], { watchedSince: NOW - 1 }),
      { p1: long },
    ],
  ])('%s', (_, observed, known) => {
    expect(followProxies(observed, NOW)).toEqual(known);
  });
});

describe('isAcknowledged', () => {
  const table = routed({ 1: 100 }, ready(1, 1));
  it.each<readonly [string, readonly string[], Proxies, boolean]>([
    ['by every live one', ['p1'], { p1: null }, true],
    ['not while one is missing, whoever else has applied it', ['p1'], { p1: null, p2: NOW }, false],
    ['nor while all are', [], { p1: NOW }, false],
    ['by nobody, when there is nobody', [], {}, true],
  ])('%s', (_, ids, known, expected) => {
    expect(isAcknowledged({ observed: given({}, ids, table), memory: { proxies: known } })).toBe(expected);
  });
});

it('waits for what is missing since it was missed, or since somebody looks', () => {
  const memory = { proxies: { p1: NOW - 5000, p2: null, p3: NOW - 1000 } };
  const observed = given({}, [], { watchedSince: NOW - 3000 });
  const until = NOW + MISSING_MS;
  expect(findMissing({ observed, memory })).toEqual([
    { id: 'p1', until: until - 3000 },
    { id: 'p3', until: until - 1000 },
  ]);
});

it('they are kept by name, so that the same ones are always the same text', () => {
  const followed = followProxies(given({ b: null }, ['c', 'b', 'a']), NOW);
  expect(Object.keys(followed)).toEqual(['a', 'b', 'c']);
});

describe('findRefusal', () => {
  const refusing = { ...live('p2'), refused: { web: 'taken' } };
  it.each<readonly [string, Observed, string | null]>([
    ['nobody refuses', given({}, ['p1']), null],
    ['that of another', given({}, [], { proxies: [{ ...live('p1'), refused: { shop: 'no' } }] }), null],
    ['one of two', given({}, [], { proxies: [live('p1'), refusing] }), 'p2 refuses the table: taken'],
  ])('%s', (_, observed, said) => {
    expect(findRefusal(observed)).toBe(said);
  });
});
