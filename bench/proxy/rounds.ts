// The rounds of one scenario: everybody is started and checked, then measured in turn, again and again, on the same
// cores. The others idle meanwhile.
import { printLine } from '../figures.ts';
import type { Backends } from './backends.ts';
import { orderRound, type Rounds, type Sample } from './figures.ts';
import type { Contender, Running } from './peers.ts';
import { type Place, withReleases } from './place.ts';
import type { Scenario } from './scenarios.ts';
import { readCpuMs, readMemory } from './usage.ts';

export interface Session {
  readonly place: Place;
  readonly backends: Backends;
  /** Of the contenders, as `taskset -c` takes them. */
  readonly cores: string;
  readonly rounds: number;
  readonly seconds: number;
}

/** What is compiled late, and pools that are empty yet, are none of the figures: so much CPU is spent before them. */
const WARM_CPU_MS = 2_500;
/** A proxy that is not the bottleneck spends it slowly. */
const WARM_LOADS_MOST = 4;
const WARM_SECONDS = 2;

interface Measured {
  readonly name: string;
  readonly running: Running;
}

export async function measureScenario(
  session: Session,
  scenario: Scenario,
  contenders: readonly Contender[],
): Promise<Rounds> {
  return withReleases(async (releases) => {
    const all: Measured[] = [];
    for (const contender of contenders) {
      const running = await startChecked(session, scenario, contender);
      releases.add(contender.name, () => running.stop());
      all.push({ name: contender.name, running });
    }
    for (const each of all) await warm(session, scenario, each);
    const samples: Record<string, Sample[]> = Object.fromEntries(all.map(({ name }) => [name, []]));
    for (let round = 0; round < session.rounds; round += 1) {
      printLine(`${scenario.name}: round ${round + 1} of ${session.rounds}`);
      for (const each of orderRound(all, round))
        samples[each.name]?.push(await load(session, scenario, each, session.seconds));
    }
    return samples;
  });
}

/** Throws when it answers wrongly. */
export async function startChecked(
  { place, backends, cores }: Session,
  scenario: Pick<Scenario, 'backend' | 'check'>,
  contender: Contender,
): Promise<Running> {
  place.signal.throwIfAborted();
  const running = await contender.start(place, { backend: backends[scenario.backend], cores });
  try {
    await scenario.check(running.port);
  } catch (cause) {
    await running.stop();
    throw new Error(`${contender.name} answers wrongly`, { cause });
  }
  return running;
}

async function warm(session: Session, scenario: Scenario, measured: Measured): Promise<void> {
  const before = readCpuMs(measured.running.pid);
  for (let loads = 0; loads < WARM_LOADS_MOST; loads += 1) {
    if (readCpuMs(measured.running.pid) - before >= WARM_CPU_MS) return;
    await load(session, scenario, measured, WARM_SECONDS);
  }
}

async function load(
  { place }: Session,
  scenario: Scenario,
  { name, running }: Measured,
  seconds: number,
): Promise<Sample> {
  place.signal.throwIfAborted();
  const before = readCpuMs(running.pid);
  const done = await scenario.load(running.port, seconds, place.signal).catch((cause: unknown) => {
    throw new Error(`${scenario.name} through ${name} failed`, { cause });
  });
  const cpuMs = readCpuMs(running.pid) - before;
  return {
    cpuUs: (cpuMs * 1000) / done.requests,
    perSecond: done.requests / done.seconds,
    busyPercent: cpuMs / done.seconds / 10,
    p50Ms: done.p50Ms,
    p99Ms: done.p99Ms,
    ...readMemory(running.pid),
  };
}
