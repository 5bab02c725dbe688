// Five hundred clients, each as slow as it may be, and one beside them that is not: what it waits for its answers, alone and
// beside them; and one that asks the backend itself, for what that and the machine are to blame for. Every round has processes
// of its own, warmed by a load.
import { setTimeout as sleep } from 'node:timers/promises';
import { attack, CONNECTIONS, type SLOW } from '../../test/support/slow-attack.ts';
import { type Course, SteadyClient } from '../../test/support/steady-client.ts';
import { printLine } from '../figures.ts';
import { checkAnswer } from './answers.ts';
import { FILE_BYTES } from './backends.ts';
import { orderRound, type Rounds, type Sample } from './figures.ts';
import type { Contender } from './peers.ts';
import { type Session, startChecked } from './rounds.ts';
import { readMemory } from './usage.ts';
import { runWrk } from './wrk.ts';

export interface SlowKind {
  readonly name: string;
  readonly title: string;
  readonly kind: keyof typeof SLOW;
  /** What they ask for. */
  readonly path: string;
}

const WARM_SECONDS = 3;
const WARM_CONNECTIONS = 16;
/** Short enough for a bench, long enough that the 500 are there for most of it. */
const ATTACK_SECONDS = 10;
/** They get the processors that nobody else wants. */
const NICENESS = 19;
const PATH = '/small';

export const SLOW_KINDS: readonly SlowKind[] = [
  {
    name: 'slow-heads',
    title: `beside ${CONNECTIONS} clients that send their heads slowly`,
    kind: 'heads',
    path: PATH,
  },
  {
    name: 'slow-bodies',
    title: `beside ${CONNECTIONS} clients that send their bodies slowly`,
    kind: 'bodies',
    path: '/upload',
  },
  {
    name: 'slow-readers',
    title: `beside ${CONNECTIONS} clients that read 4 MiB slowly`,
    kind: 'readers',
    path: '/4m',
  },
];

export async function measureSlow(
  session: Session,
  kind: SlowKind,
  contenders: readonly Contender[],
): Promise<Rounds> {
  const samples: Record<string, Sample[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < session.rounds; round += 1) {
    printLine(`${kind.name}: round ${round + 1} of ${session.rounds}`);
    for (const contender of orderRound(contenders, round))
      samples[contender.name]?.push(await measureOne(session, kind, contender));
  }
  return samples;
}

async function measureOne(session: Session, { kind, path }: SlowKind, contender: Contender): Promise<Sample> {
  const { signal } = session.place;
  const check = (port: number) => checkAnswer(port, { path: PATH, bytes: FILE_BYTES.small });
  const running = await startChecked(session, { backend: 'files', check }, contender);
  try {
    const url = `http://127.0.0.1:${running.port}`;
    const warming = { url: url + PATH, connections: WARM_CONNECTIONS, seconds: WARM_SECONDS, signal };
    await runWrk(warming);
    const ports = [running.port, session.backends.files] as const;
    const [alone] = await beside(ports, () => sleep(session.seconds * 1000, null, { signal }));
    const slow = { kind, url: url + path, seconds: ATTACK_SECONDS, niceness: NICENESS, signal };
    const [among, direct] = await beside(ports, () => attack(slow));
    return {
      ...{ aloneP50Ms: alone.p50, aloneP99Ms: alone.p99, p50Ms: among.p50, p99Ms: among.p99 },
      ...{ longestMs: among.most, timesAlone: among.p99 / alone.p99, directP99Ms: direct.p99 },
      ...readMemory(running.pid),
    };
  } finally {
    await running.stop();
  }
}

/** Through the proxy, and without it. Throws when something failed. */
async function beside(
  [proxied, direct]: readonly [number, number],
  work: () => Promise<unknown>,
): Promise<[Course, Course]> {
  const clients = [new SteadyClient(proxied, PATH), new SteadyClient(direct, PATH)] as const;
  let courses: [Course, Course];
  try {
    await work();
  } finally {
    courses = await Promise.all([clients[0].stop(), clients[1].stop()]);
  }
  const failures = courses.flatMap((each) => each.failures);
  if (failures.length > 0) throw new Error(`${failures.length} requests failed: ${failures[0]}`);
  return courses;
}
