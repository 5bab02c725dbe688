import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Deadline, Deadlines } from '../../../proxy/exchange/deadlines.ts';

const expired: string[] = [];
let deadlines: Deadlines;

beforeEach(() => {
  vi.useFakeTimers();
  deadlines = new Deadlines();
});
afterEach(() => {
  vi.useRealTimers();
  expired.length = 0;
});

function within(name: string, ms: number, more = (): void => undefined): Deadline {
  const deadline: Deadline = {
    deadlineAt: performance.now() + ms,
    deadlinePlace: -1,
    expire: () => {
      expired.push(name);
      deadlines.remove(deadline);
      more();
    },
  };
  deadlines.add(deadline);
  return deadline;
}

describe('deadlines', () => {
  it('expire once, each in its time, and no later than by one sweep', () => {
    within('late', 500);
    within('soon', 100);
    within('never', Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(150);
    expect(expired).toEqual(['soon']);
    vi.advanceTimersByTime(2_000);
    expect(expired).toEqual(['soon', 'late']);
  });

  it('do not expire once they are taken off the list, whichever of them are', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const all = names.map((name) => within(name, 100));
    for (const index of [1, 4, 0]) deadlines.remove(all[index] as Deadline);
    deadlines.remove(all[1] as Deadline);
    vi.advanceTimersByTime(1_000);
    expect([...expired].sort()).toEqual(['c', 'd']);
  });

  it('all expire that are due, also when one takes others off or adds one', () => {
    const other = within('other', 100);
    within('b', 100);
    within('c', 100, () => deadlines.remove(other));
    within('d', 100, () => within('e', 100));
    vi.advanceTimersByTime(1_000);
    expect([...expired].sort()).toEqual(['b', 'c', 'd', 'e']);
  });

  it('keep no timer when there are none', () => {
    const deadline = within('a', 1_000);
    expect(vi.getTimerCount()).toBe(1);
    deadlines.remove(deadline);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
    within('b', 100);
    vi.advanceTimersByTime(200);
    expect(expired).toEqual(['b']);
  });
});
