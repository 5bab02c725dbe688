import { expect, it } from 'vitest';
import { startClock } from '../../../src/controller/clock.ts';

const HOUR = 3_600_000;

function given(wall: number) {
  const at = { wall, monotonic: 5000 };
  const clock = startClock({ wall: () => at.wall, monotonic: () => at.monotonic });
  const pass = (ms: number): void => {
    at.wall += ms;
    at.monotonic += ms;
  };
  return { at, clock, pass };
}

it('begins with the wall clock and goes on with it', () => {
  const { clock, pass } = given(1_000_000);
  expect(clock.now()).toBe(1_000_000);
  pass(250.7);
  expect(clock.now()).toBe(1_000_250);
});

it.each([HOUR, -HOUR, 24 * HOUR, -24 * HOUR])('counts on when the wall clock is set by %d ms', (byMs) => {
  const { at, clock, pass } = given(1_000_000_000);
  at.wall += byMs;
  pass(1000);
  expect(clock.now()).toBe(1_000_001_000);
});

it('shows people the wall clock as it stands', () => {
  const { at, clock } = given(1_000_000_000);
  expect(clock.toWall(clock.now() + 500)).toBe(1_000_000_500);
  at.wall += HOUR;
  expect(clock.toWall(clock.now() + 500)).toBe(1_000_000_500 + HOUR);
});

it('changes no shown time while the wall clock is merely slewed', () => {
  const { at, clock } = given(1_000_000_000);
  at.wall += 1500;
  expect(clock.toWall(7)).toBe(7);
});

it('is never behind what was written, and shows the right time nevertheless', () => {
  const { at, clock, pass } = given(1_000_000_000);
  clock.reach(1_000_000_000 + HOUR);
  pass(1000);
  expect(clock.now()).toBe(1_000_001_000 + HOUR);
  expect(clock.toWall(clock.now())).toBe(at.wall);
  clock.reach(5);
  expect(clock.now()).toBe(1_000_001_000 + HOUR);
});
