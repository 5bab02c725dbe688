// Five hundred clients, each as slow as it may be, and one beside them that is not: what it waits for its answers, alone and
// beside them; and one that asks the backend itself, for what that and the machine are to blame for. Every round has processes
// of its own, warmed by a load.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Of slowhttptest. */
  readonly flags: readonly string[];
  /** What they ask for. */
  readonly path: string;
}

const CONNECTIONS = 500;
const PER_SECOND = 250;
const WARM_SECONDS = 3;
const WARM_CONNECTIONS = 16;
/** Short enough for a bench, long enough that the 500 are there for most of it. */
const ATTACK_SECONDS = 10;
const PATH = '/small';

export const SLOW_KINDS: readonly SlowKind[] = [
  {
    name: 'slow-heads',
    title: `beside ${CONNECTIONS} clients that send their heads slowly`,
    flags: ['-H', '-i', '1'],
    path: PATH,
  },
  {
    name: 'slow-bodies',
    title: `beside ${CONNECTIONS} clients that send their bodies slowly`,
    flags: ['-B', '-i', '1', '-s', '8192'],
    path: '/upload',
  },
  {
    name: 'slow-readers',
    title: `beside ${CONNECTIONS} clients that read 4 MiB slowly`,
    flags: ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32'],
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

async function measureOne(session: Session, kind: SlowKind, contender: Contender): Promise<Sample> {
  const { signal } = session.place;
  const check = (port: number) => checkAnswer(port, { path: PATH, bytes: FILE_BYTES.small });
  const running = await startChecked(session, { backend: 'files', check }, contender);
  try {
    const url = `http://127.0.0.1:${running.port}`;
    const warming = { url: url + PATH, connections: WARM_CONNECTIONS, seconds: WARM_SECONDS, signal };
    await runWrk(warming);
    const ports = [running.port, session.backends.files] as const;
    const [alone] = await beside(ports, () => sleep(session.seconds * 1000, null, { signal }));
    const [among, direct] = await beside(ports, () => attack(kind, url + kind.path, signal));
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

/** Slow clients have processors of their own: here they get those that nobody else wants. */
async function attack({ flags }: SlowKind, url: string, signal: AbortSignal): Promise<void> {
  const much = ['-c', String(CONNECTIONS), '-r', String(PER_SECOND), '-l', String(ATTACK_SECONDS)];
  const command = ['-n', '19', 'slowhttptest', ...flags, ...much, '-p', '5', '-u', url];
  const [code] = await once(spawn('nice', command, { stdio: 'ignore', signal }), 'exit');
  if (code !== 0) throw new Error(`slowhttptest ended with ${code}`);
}
