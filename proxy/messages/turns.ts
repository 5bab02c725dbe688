// What can wait for a moment: small pieces of messages that have begun, and clients that go amid a request, each of which ends
// a target's connection too. Where hundreds come at once, a turn of the event loop does so many of them, in their order, and requests
// that come whole are served between the turns.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** What a turn may take for it; what follows from it takes as much again. */
const TURN_MS = 0.5;

const waiting: (() => void)[] = [];
let spentMs = 0;
let isCounting = false;

/** Whether this turn has room for more, and nobody waits. */
export function hasTurn(): boolean {
  return waiting.length === 0 && spentMs < TURN_MS;
}

/** Now, or in one of the next turns. */
export function takeTurn(task: () => void): void {
  if (hasTurn()) run(task);
  else waiting.push(task);
}

/** Resolves when nothing waits. */
export async function untilTaken(): Promise<void> {
  while (waiting.length > 0) await nextTurn();
}

function run(task: () => void): void {
  const begunAt = performance.now();
  task();
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
