import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Picker, type Wish } from '../../../proxy/table/picker.ts';
import type { Share } from '../../../proxy/table/table.ts';
import { Target } from '../../../proxy/table/target.ts';

const ANY: Wish = { forced: null, preferred: null, tried: null };

function targetsOf(...ids: readonly string[]): readonly Target[] {
  return ids.map((id) => {
    const revision = Number(id.split('@')[0]);
    return new Target({ id, revision, host: '127.0.0.1', port: 1, isH2c: false }, 0, () => undefined);
  });
}

function pickerOf(split: readonly Share[], targets: readonly Target[]): Picker {
  const picker = new Picker();
  picker.replace(split, targets);
  return picker;
}

function picks(picker: Picker, count: number, wish: Wish = ANY): readonly (string | undefined)[] {
  return Array.from({ length: count }, () => picker.pick(wish, 0)?.id);
}

const HALVES = [
  { revision: 1, weight: 50 },
  { revision: 2, weight: 50 },
];

describe('within a revision', () => {
  const one = [{ revision: 1, weight: 100 }];

  it('equals take turns', () => {
    expect(picks(pickerOf(one, targetsOf('1@a', '1@b', '1@c')), 6)).toEqual([
      '1@a',
      '1@b',
      '1@c',
      '1@a',
      '1@b',
      '1@c',
    ]);
  });

  it('the least busy serves', () => {
    const targets = targetsOf('1@a', '1@b', '1@c');
    for (const [index, target] of targets.entries()) for (let n = 0; n < 3 - index; n += 1) target.claim();
    expect(picks(pickerOf(one, targets), 2)).toEqual(['1@c', '1@c']);
  });

  it('one that was set aside is passed over, and is the last resort', () => {
    const targets = targetsOf('1@a', '1@b');
    targets[0]?.health.setAside(0);
    const picker = pickerOf(one, targets);
    expect(picks(picker, 2)).toEqual(['1@b', '1@b']);
    targets[1]?.health.setAside(0);
    expect(picks(picker, 2)).toEqual(['1@a', '1@b']);
    expect(picker.pick(ANY, 1_001)?.id).toBe('1@a');
  });

  it('none is tried twice for one request', () => {
    const targets = targetsOf('1@a', '1@b');
    const picker = pickerOf(one, targets);
    expect(picks(picker, 1, { ...ANY, tried: new Set(targets.slice(0, 1)) })).toEqual(['1@b']);
    expect(picks(picker, 1, { ...ANY, tried: new Set(targets) })).toEqual([undefined]);
  });
});

describe('between revisions', () => {
  it('a change of targets does not disturb the split, a change of the split starts it anew', () => {
    const split = [
      { revision: 1, weight: 75 },
      { revision: 2, weight: 25 },
    ];
    const picker = pickerOf(split, targetsOf('1@a', '2@b'));
    const revisions: string[] = [];
    for (let n = 0; n < 16; n += 1) {
      picker.replace(split, targetsOf(`1@${n}`, `2@${n}`));
      revisions.push(picker.pick(ANY, 0)?.id[0] ?? '');
    }
    expect(revisions.join('')).toBe('1121112111211121');
    picks(picker, 1);
    picker.replace(HALVES, targetsOf('1@a', '2@b'));
    expect(picks(picker, 2)).toEqual(['1@a', '2@b']);
  });

  it('one with weight and no target is skipped: its share goes to the others by their weights', () => {
    const split = [
      { revision: 1, weight: 50 },
      { revision: 2, weight: 40 },
      { revision: 3, weight: 10 },
    ];
    const counts = Map.groupBy(picks(pickerOf(split, targetsOf('2@b', '3@c')), 100), (id) => id);
    expect([counts.get('2@b')?.length, counts.get('3@c')?.length]).toEqual([80, 20]);
  });

  it('an outage of one leaves no trace in the shares afterwards', () => {
    const targets = targetsOf('1@a', '2@b');
    const picker = pickerOf(HALVES, targets);
    picks(picker, 1);
    targets[1]?.health.setAside(0);
    expect(picks(picker, 50)).toEqual(Array.from({ length: 50 }, () => '1@a'));
    const after = Array.from({ length: 4 }, () => picker.pick(ANY, 2_000)?.id);
    expect(after).toEqual(['2@b', '1@a', '2@b', '1@a']);
  });

  it('a preferred one serves while it has weight, a forced one always', () => {
    const picker = pickerOf([{ revision: 1, weight: 100 }], targetsOf('1@a', '2@b'));
    expect(picks(picker, 1, { ...ANY, preferred: 2 })).toEqual(['1@a']);
    expect(picks(picker, 1, { ...ANY, forced: 2 })).toEqual(['2@b']);
    expect(picks(picker, 1, { ...ANY, forced: 3 })).toEqual([undefined]);
    expect([picker.hasTarget(null), picker.hasTarget(2), picker.hasTarget(3)]).toEqual([true, true, false]);
  });

  it('every split of two is exact within one pick, through changes of targets', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 400 }),
        (weight, sizes) => {
          const split = [
            { revision: 1, weight },
            { revision: 2, weight: 100 - weight },
          ];
          const picker = new Picker();
          let first = 0;
          for (const [index, size] of sizes.entries()) {
            const ids = Array.from({ length: size }, (_, n) => [`1@${n}`, `2@${n}`]).flat();
            picker.replace(split, targetsOf(...ids));
            if (picker.pick(ANY, 0)?.revision === 1) first += 1;
            expect(Math.abs(first - ((index + 1) * weight) / 100)).toBeLessThan(1);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
