// The parking lot by itself: who goes when, and that nobody is forgotten.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ParkingLot, WAVE } from '../../../proxy/table/park.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Parks so many guests; `gone` fills with their numbers as they are woken. */
function park(lot: ParkingLot, count: number, ms = 60_000) {
  const gone: number[] = [];
  const guests = Array.from({ length: count }, (_, number) => ({ number }));
  for (const guest of guests) void lot.stay(guest, ms).then(() => gone.push(guest.number));
  return { gone, guests };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('waking', () => {
  it('lets one wave go, in order of arrival, and keeps the others', async () => {
    const lot = new ParkingLot();
    const { gone } = park(lot, WAVE + 10);
    lot.wakeAll();
    await settle();
    expect(gone).toEqual(Array.from({ length: WAVE }, (_, number) => number));
    expect(lot.size).toBe(10);
  });

  it('lets the next one go as one of the wave ends', async () => {
    const lot = new ParkingLot();
    const { gone, guests } = park(lot, WAVE + 3);
    lot.wakeAll();
    for (const guest of guests.slice(0, 2)) lot.depart(guest);
    await settle();
    expect(gone.slice(WAVE)).toEqual([WAVE, WAVE + 1]);
  });

  it('sends another wave after those that take long', async () => {
    const lot = new ParkingLot();
    const { gone } = park(lot, 3 * WAVE);
    lot.wakeAll();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(gone.length).toBe(3 * WAVE);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not let more go when it is told twice', async () => {
    const lot = new ParkingLot();
    const { gone } = park(lot, 2 * WAVE);
    lot.wakeAll();
    lot.wakeAll();
    await settle();
    expect(gone.length).toBe(WAVE);
  });

  it('counts a guest that parks again as waiting, not as under way', async () => {
    const lot = new ParkingLot();
    const { gone, guests } = park(lot, WAVE + 1);
    lot.wakeAll();
    await settle();
    const [first] = guests;
    if (first !== undefined) void lot.stay(first, 60_000).then(() => gone.push(first.number));
    lot.wakeAll();
    await settle();
    expect(gone.slice(WAVE)).toEqual([WAVE]);
  });
});

describe('a stay', () => {
  it('ends by its time, whatever the waves do', async () => {
    const lot = new ParkingLot();
    const { gone } = park(lot, 2, 100);
    await vi.advanceTimersByTimeAsync(100);
    expect(gone).toEqual([0, 1]);
    expect(lot.size).toBe(0);
  });

  it('ends when the guest leaves, and is not woken again', async () => {
    const lot = new ParkingLot();
    const { gone, guests } = park(lot, 1);
    const [only] = guests;
    if (only !== undefined) lot.leave(only);
    lot.wakeAll();
    await settle();
    expect(gone).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
