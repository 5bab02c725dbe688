// Clients that go while something is in hand: each costs its target a connection. Where hundreds go at once, a turn of the
// event loop sees off so many, in their order, and everybody else is served between the turns.

/** What a turn may take for it; what follows from it takes as much again. */
const TURN_MS = 0.5;

const waiting: (() => void)[] = [];
let spentMs = 0;
let isCounting = false;

/** Now, or in one of the next turns. */
export function seeOff(leave: () => void): void {
  if (waiting.length > 0 || spentMs >= TURN_MS) waiting.push(leave);
  else run(leave);
}

function run(leave: () => void): void {
  const begunAt = performance.now();
  leave();
  spentMs += performance.now() - begunAt;
  if (isCounting) return;
  isCounting = true;
  setImmediate(beginTurn);
}

function beginTurn(): void {
  isCounting = false;
  spentMs = 0;
  while (spentMs < TURN_MS) {
    const next = waiting.shift();
    if (next === undefined) return;
    run(next);
  }
}
