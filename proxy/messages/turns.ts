// What can wait for a moment: small pieces of messages that have begun, and clients that go amid a request, each of which
// ends a target's connection too. Where hundreds come at once, a turn of the event loop does so many of them, in their order,
// and requests that come whole are served between the turns.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** What a turn may take for it at least; what follows from it takes as much again. */
const TURN_MS = 0.5;
/** Of turns that are long for other reasons it gets such a share: what waits must not fall behind for good. */
const SHARE = 0.25;

const waiting: (() => void)[] = [];
let spentMs = 0;
let budgetMs = TURN_MS;
/** Of this turn, as far as it was counted; null when nothing was. */
let begunAt: number | null = null;

/** Whether this turn has room for more, and nobody waits. */
export function hasTurn(): boolean {
  return waiting.length === 0 && spentMs < budgetMs;
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
  const startedAt = performance.now();
  task();
  spentMs += performance.now() - startedAt;
  if (begunAt !== null) return;
  begunAt = startedAt;
  setImmediate(beginTurn);
}

function beginTurn(): void {
  const now = performance.now();
  budgetMs = Math.max(TURN_MS, SHARE * (now - (begunAt ?? now)));
  begunAt = null;
  spentMs = 0;
  while (spentMs < budgetMs) {
    const next = waiting.shift();
    if (next === undefined) break;
    run(next);
  }
  // Nobody waits: the next turn is like any other.
  if (begunAt === null) budgetMs = TURN_MS;
}
