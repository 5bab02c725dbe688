import { describe, expect, it } from 'vitest';
import { assumeReady, isAvailable, recordProbe, UNPROBED } from '../../strategies/health.ts';
import type { ProbeRecord } from '../../strategies/model.ts';

const CHECK = { rise: 2, retries: 3, startPeriodMs: 30_000, intervalMs: 5000 };
const STARTED = 1_000_000;

/** Probes at the given seconds after the start: `+` is good, `-` is bad. */
function fold(answers: string, everyS: number, fromS = everyS, check = CHECK): ProbeRecord {
  return [...answers].reduce<ProbeRecord>((record, answer, i) => {
    const at = STARTED + (fromS + i * everyS) * 1000;
    return recordProbe(record, { at, ok: answer === '+', detail: answer }, check, STARTED);
  }, UNPROBED);
}

const since = (at: number | null) => (at === null ? null : (at - STARTED) / 1000);
const sayReady = (record: ProbeRecord) => since(record.readySince);
const sayUnhealthy = (record: ProbeRecord) => since(record.unhealthySince);

describe('recordProbe: ready after `rise` successes in a row', () => {
  it.each([
    ['+', null],
    ['++', 2],
    ['+-++', 4],
    ['-+-+-+', null],
    ['+++++', 2],
    ['++-+', 2],
    ['++--', 2],
    ['++---', null],
    ['++---++', 7],
  ])('%s is ready since %s', (answers, at) => {
    expect(sayReady(fold(answers, 1))).toBe(at);
  });

  it('with rise 1, the first success does', () => {
    expect(sayReady(fold('+', 1, 1, { ...CHECK, rise: 1 }))).toBe(1);
  });
});

describe('recordProbe: unhealthy after `retries` failures in a row', () => {
  it.each([
    ['once ready, in the start period as well', '++---', 1, 1, 5],
    ['not by two', '++--', 1, 1, null],
    ['not by three with a success between', '++--+--', 1, 1, null],
    ['a first success ends the start period: 2, 7 and 12 s', `+${'-'.repeat(11)}`, 1, 1, 12],
    ['not sooner', `+${'-'.repeat(10)}`, 1, 1, null],
    ['failures in the start period do not count', '-----', 5, 5, null],
    ['the worked example: 30, 35 and 40 s', '--------', 5, 5, 40],
    ['however often it is probed', '-'.repeat(80), 0.5, 0.5, 40],
    ['not before the third that counts', '-'.repeat(79), 0.5, 0.5, null],
  ])('%s', (_, answers, everyS, fromS, at) => {
    expect(sayUnhealthy(fold(answers, everyS, fromS))).toBe(at);
  });

  it('stays so until it is ready again, from its first moment on', () => {
    expect(sayUnhealthy(fold('++-----', 1))).toBe(5);
    expect(sayUnhealthy(fold('++---+', 1))).toBe(5);
    const again = fold('++---++', 1);
    expect([sayUnhealthy(again), sayReady(again)]).toEqual([null, 7]);
  });

  it('keeps the last answer for the evidence', () => {
    expect(fold('++-', 1).last).toMatchObject({ ok: false, detail: '-' });
  });
});

describe('isAvailable: ready for min_ready without interruption', () => {
  it.each([
    [null, 5000, false],
    [0, 5000, false],
    [4999, 5000, false],
    [5000, 5000, true],
    [0, 0, true],
  ])('ready for %s ms of %i: %s', (readyForMs, minReadyMs, available) => {
    const readySince = readyForMs === null ? null : STARTED - readyForMs;
    expect(isAvailable({ ...UNPROBED, readySince }, minReadyMs, STARTED)).toBe(available);
  });
});

describe('assumeReady', () => {
  it('is ready until three probes say otherwise', () => {
    let record = assumeReady(STARTED);
    for (let i = 1; i <= 3; i += 1) {
      expect(record.readySince).toBe(STARTED);
      record = recordProbe(record, { at: STARTED + i, ok: false, detail: '' }, CHECK, 0);
    }
    expect(record).toMatchObject({ readySince: null, unhealthySince: STARTED + 3 });
  });

  it('of another run perhaps, until the first answer: a bad one makes it one that starts', () => {
    const answer = (ok: boolean) =>
      recordProbe(assumeReady(STARTED, false), { at: STARTED + 1, ok, detail: '' }, CHECK, 0);
    expect(answer(false)).toMatchObject({ readySince: null, unhealthySince: null, failures: 0 });
    expect(answer(true).readySince).toBe(STARTED);
    const later = recordProbe(answer(true), { at: STARTED + 2, ok: false, detail: '' }, CHECK, 0);
    expect(later.readySince).toBe(STARTED);
  });
});

describe('isAvailable', () => {
  it('what was never ready is not', () => {
    expect(isAvailable(UNPROBED, 0, STARTED)).toBe(false);
  });
});

it('the first failure after the start period counts', () => {
  const at = STARTED + CHECK.startPeriodMs;
  const first = recordProbe(UNPROBED, { at, ok: false, detail: '' }, CHECK, STARTED);
  expect(first).toMatchObject({ failures: 1, countedAt: at });
});
