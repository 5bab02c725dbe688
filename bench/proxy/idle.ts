// A thousand connections that were used once and are kept: what they take in memory, and what keeping them costs.
// Every round has processes of its own, since memory that was taken once is seldom given back.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { printLine } from '../figures.ts';
import { checkAnswer } from './answers.ts';
import { FILE_BYTES } from './backends.ts';
import { orderRound, type Rounds, type Sample } from './figures.ts';
import type { Contender } from './peers.ts';
import { type Session, startChecked } from './rounds.ts';
import { readCpuMs, readMemory } from './usage.ts';

export const IDLE_CONNECTIONS = 1_000;
const AT_ONCE = 50;
/** Until what the requests left behind is done. */
const SETTLE_MS = 1_000;

export async function measureIdle(session: Session, contenders: readonly Contender[]): Promise<Rounds> {
  const samples: Record<string, Sample[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < session.rounds; round += 1) {
    printLine(`idle: round ${round + 1} of ${session.rounds}`);
    for (const contender of orderRound(contenders, round))
      samples[contender.name]?.push(await measureOne(session, contender));
  }
  return samples;
}

async function measureOne(session: Session, contender: Contender): Promise<Sample> {
  const wanted = { path: '/small', bytes: FILE_BYTES.small };
  const check = (port: number) => checkAnswer(port, wanted);
  const running = await startChecked(session, { backend: 'files', check }, contender);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS });
  try {
    await sleep(SETTLE_MS, null, { signal: session.place.signal });
    const empty = readMemory(running.pid).residentMb;
    await openMany(agent, running.port);
    await sleep(SETTLE_MS);
    const before = readCpuMs(running.pid);
    const begun = performance.now();
    await sleep(session.seconds * 1000, null, { signal: session.place.signal });
    const cpuMs = readCpuMs(running.pid) - before;
    const memory = readMemory(running.pid);
    judgeOpen(contender.name, agent);
    return {
      emptyMb: empty,
      ...memory,
      kibPerConnection: ((memory.residentMb - empty) * 1024) / IDLE_CONNECTIONS,
      cpuUsPerSecond: (cpuMs * 1e6) / (performance.now() - begun),
    };
  } finally {
    agent.destroy();
    await running.stop();
  }
}

/** One request on each; more at once than are kept back would reuse none. */
async function openMany(agent: Agent, port: number): Promise<void> {
  const held: (() => void)[] = [];
  for (let opened = 0; opened < IDLE_CONNECTIONS; opened += AT_ONCE)
    held.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => ask(agent, port)))));
  for (const release of held) release();
}

/** The connection goes back to the agent when what is returned is called. */
function ask(agent: Agent, port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const sent = get({ agent, host: '127.0.0.1', port, path: '/small' }, (response) =>
      resolve(() => response.resume()),
    );
    sent.once('error', reject);
  });
}

function judgeOpen(name: string, agent: Agent): void {
  const open = Object.values(agent.freeSockets).flat().length;
  if (open < IDLE_CONNECTIONS)
    throw new Error(`${name} kept ${open} of ${IDLE_CONNECTIONS} idle connections`);
}
