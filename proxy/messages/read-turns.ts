// How many large pieces are read in one turn of the event loop while clients come, over all connections: a turn
// accepts one client, so that each waits for all that the turns of those before it move beside. Who has more to read than
// fits has a turn of its own, in their order. How much fits shows: to a slow client a piece costs ten times as much.

/** What a turn may take, with all that is done in it. */
const TURN_MS = 0.5;
/** So many after the last client; then nothing is held back. Not a time: a turn that was long is no sign of calm. */
const SHORT_TURNS = 50;
const MOST_READS = 64;
/** So many turns in a row that accept read nothing that waits: on a busy machine those who come would queue up behind it. */
const MOST_SKIPPED = 8;

export interface Reader {
  /** It may read once. False when it has no use for it. */
  readOn(): boolean;
}

const waiting: Reader[] = [];
let shortTurns = 0;
let share = MOST_READS;
let left = 0;
let begunAt = 0;
let isCounting = false;
/** Since the last turn that was counted. */
let hasArrival = false;
let skipped = 0;

export function noteArrival(): void {
  shortTurns = SHORT_TURNS;
  hasArrival = true;
}

/** Asked after a read that was not all. False: not before `readOn`. */
export function mayReadOn(reader: Reader): boolean {
  if (!isCounting) {
    if (shortTurns === 0) return true;
    left = share;
    count();
  }
  left -= 1;
  if (left >= 0) return true;
  waiting.push(reader);
  return false;
}

/** Asked by one that has rested. False, likewise, when others wait. */
export function mayReadAgain(reader: Reader): boolean {
  if (waiting.length === 0) return true;
  waiting.push(reader);
  return false;
}

function count(): void {
  isCounting = true;
  begunAt = performance.now();
  setImmediate(beginTurn);
}

/** Nothing was waited for since the last one: who has an immediate to run does not. */
function beginTurn(): void {
  isCounting = false;
  shortTurns = Math.max(0, shortTurns - 1);
  if (performance.now() - begunAt > TURN_MS) share = Math.max(1, share >> 1);
  else if (share < MOST_READS) share += 1;
  if (shortTurns === 0) {
    for (const next of waiting.splice(0)) next.readOn();
    return;
  }
  left = findRoom();
  while (left > 0) {
    const next = waiting.shift();
    if (next === undefined) break;
    if (next.readOn()) left -= 1;
  }
  if (left < share) count();
}

/** A turn that accepts is over the sooner, and the next client in. */
function findRoom(): number {
  const isSkipped = hasArrival && skipped < MOST_SKIPPED;
  hasArrival = false;
  skipped = isSkipped ? skipped + 1 : 0;
  return isSkipped ? 0 : share;
}
