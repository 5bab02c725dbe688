// What a change of a large table costs while requests flow: how long until the new one answers, and the longest that a
// request takes meanwhile.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { printLine } from '../figures.ts';
import type { Rounds, Sample } from './figures.ts';
import { composeLargeTable, type Marks } from './large-table.ts';
import { type Running, TABLE } from './peers.ts';
import { withReleases } from './place.ts';
import { type Session, startChecked } from './rounds.ts';
import { MANY_ROUTES, ROUTES } from './routes.ts';
import { readCpuMs } from './usage.ts';
import { Visitor } from './visitor.ts';

/** Before and after a change, so that it alone is seen. */
const PAUSE_MS = 500;

interface Stage {
  readonly session: Session;
  readonly running: Running;
  readonly visitor: Visitor;
}

export async function measureSwaps(session: Session): Promise<Rounds> {
  return withReleases(async (releases) => {
    const running = await startChecked(session, ROUTES, MANY_ROUTES);
    releases.add(MANY_ROUTES.name, () => running.stop());
    const visitor = new Visitor(running.port);
    releases.add('visitor', () => visitor.stop());
    const stage = { session, running, visitor };
    const one: Sample[] = [];
    const every: Sample[] = [];
    // The first of each kind is none of the figures.
    for (let round = 0; round <= session.rounds; round += 1) {
      if (round > 0) printLine(`swaps: round ${round} of ${session.rounds}`);
      const [before, next, last] = [2 * round + 1, 2 * round + 2, 2 * round + 3];
      one.push(await swap(stage, { watched: next, others: before }));
      every.push(await swap(stage, { watched: last, others: last }));
    }
    return { 'one entry changes': one.slice(1), 'every entry changes': every.slice(1) };
  });
}

async function swap({ session, running, visitor }: Stage, marks: Marks): Promise<Sample> {
  session.place.signal.throwIfAborted();
  const next = join(running.folder, 'next.json');
  await writeFile(next, composeLargeTable(session.backends.files, marks.watched, marks));
  visitor.takeLongest();
  await sleep(PAUSE_MS);
  const undisturbedMs = visitor.takeLongest();
  const cpuBefore = readCpuMs(running.pid);
  const begun = performance.now();
  await rename(next, join(running.folder, TABLE));
  const seen = await visitor.untilTable(marks.watched);
  const cpuMs = readCpuMs(running.pid) - cpuBefore;
  await sleep(PAUSE_MS);
  return { visibleMs: seen - begun, cpuMs, stallMs: visitor.takeLongest(), undisturbedMs };
}
