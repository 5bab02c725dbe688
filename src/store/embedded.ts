// An etcd of the daemon's own on the loopback interface: uses what answers there, else starts one with its data below
// the data directory. It outlives a daemon that is killed (the next run adopts it) and ends with one that stops.
//
// INVARIANTS
// - only what a daemon with this data directory started is ever ended, and only by the daemon that answers for it
// - an etcd whose daemon still lives belongs to that one: a second daemon uses it and leaves it alone
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMBEDDED_ENDPOINT } from '../config-files.ts';
import { type ContainerHost, describeContainer, ETCD_IMAGE, onHost } from './embedded-container.ts';
import { endProcess, findProgram, readLastWords, spawnEtcd } from './embedded-process.ts';
import {
  type EmbeddedRecord,
  identifyProcess,
  isAlive,
  type ProcessIdentity,
  readRecord,
  removeRecord,
  writeRecord,
} from './embedded-record.ts';
import { StoreError } from './errors.ts';

export interface EmbeddedOptions {
  /** The daemon's; etcd's data, log and record go below `etcd` in it. */
  readonly dataDir: string;
  /** A loopback URL; http://127.0.0.1:2379 by default. */
  readonly endpoint?: string;
  /** Where programs are looked for; `PATH` by default. */
  readonly path?: string;
  /** The engine, for a machine without the program; without it, the program must be there. */
  readonly containers?: ContainerHost | undefined;
  /** Of etcd, with its tag. */
  readonly image?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface EmbeddedEtcd {
  readonly endpoint: string;
  /** `found` is somebody else's, or another daemon's: `stop` leaves it alone. */
  readonly origin: 'found' | 'adopted' | 'started';
  /** Ends it if it is ours: SIGTERM, then SIGKILL. */
  stop(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const RIVAL_MS = 3_000;

/** Resolves when etcd answers. */
export async function startEmbeddedEtcd(options: EmbeddedOptions): Promise<EmbeddedEtcd> {
  const { endpoint = EMBEDDED_ENDPOINT, dataDir } = options;
  const folder = join(dataDir, 'etcd');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const record = readRecord(folder);
  const mine = record?.endpoint === endpoint && !isOwnedByAnother(record) ? record : null;
  if (mine && (await isRunning(mine, options)) && (await answersInTime(endpoint, options, mine))) {
    return own(folder, endpoint, mine.etcd, 'adopted', options);
  }
  if (await isHealthy(endpoint)) return { endpoint, origin: 'found', stop: async () => undefined };
  if (mine) await end(mine.etcd, options);
  return await start(folder, endpoint, options);
}

/** Whether the etcd that a daemon with this data directory started, and none that lives answers for, runs no more. */
export async function hasEnded(options: EmbeddedOptions): Promise<boolean> {
  const { endpoint = EMBEDDED_ENDPOINT, dataDir } = options;
  const record = readRecord(join(dataDir, 'etcd'));
  if (record === null) return !(await isHealthy(endpoint));
  return record.endpoint === endpoint && !isOwnedByAnother(record) && !(await isRunning(record, options));
}

async function start(folder: string, endpoint: string, options: EmbeddedOptions): Promise<EmbeddedEtcd> {
  const etcd = await launch(folder, endpoint, options);
  // Before it answers: a daemon that is killed meanwhile leaves no etcd that nobody answers for.
  writeRecord(folder, { etcd, owner: identifySelf(), endpoint });
  if (await answersInTime(endpoint, options, { etcd }))
    return own(folder, endpoint, etcd, 'started', options);
  await end(etcd, options);
  if (JSON.stringify(readRecord(folder)?.etcd) === JSON.stringify(etcd)) removeRecord(folder);
  // Another daemon may have been faster to the port, and its etcd may still be starting.
  const deadline = performance.now() + RIVAL_MS;
  while (!options.signal?.aborted && performance.now() < deadline) {
    if (await isHealthy(endpoint)) return { endpoint, origin: 'found', stop: async () => undefined };
    await sleep(POLL_MS);
  }
  const words = etcd.kind === 'process' ? `:\n${readLastWords(folder)}\n` : '; ';
  throw new StoreError(
    'store-embedded-failed',
    `etcd did not start at ${endpoint}${words}see ${join(folder, 'etcd.log')}, free the port, or give --etcd`,
  );
}

async function launch(
  folder: string,
  endpoint: string,
  options: EmbeddedOptions,
): Promise<EmbeddedRecord['etcd']> {
  const program = findProgram('etcd', options.path);
  if (program) return { kind: 'process', ...(await spawnEtcd(program, endpoint, folder)) };
  const { containers } = options;
  if (containers) {
    const container = describeContainer(options.image ?? ETCD_IMAGE, endpoint, folder);
    await onHost(`start etcd from ${container.image}`, () => containers.run(container));
    return { kind: 'container', name: container.name };
  }
  throw new StoreError(
    'store-embedded-failed',
    `no etcd answers at ${endpoint}, no etcd is on PATH, and no engine of this machine could run one: ` +
      'install etcd (Debian: apt-get install etcd-server), or give --etcd with the URL of one that runs',
  );
}

function own(
  folder: string,
  endpoint: string,
  etcd: EmbeddedRecord['etcd'],
  origin: 'adopted' | 'started',
  options: EmbeddedOptions,
): EmbeddedEtcd {
  writeRecord(folder, { etcd, owner: identifySelf(), endpoint });
  const stop = async (): Promise<void> => {
    await end(etcd, options);
    removeRecord(folder);
  };
  return { endpoint, origin, stop };
}

async function end(etcd: EmbeddedRecord['etcd'], { containers }: EmbeddedOptions): Promise<void> {
  if (etcd.kind === 'process') return await endProcess(etcd);
  await onHost(`remove the container ${etcd.name}`, async () => containers?.remove(etcd.name));
}

async function isRunning(
  { etcd }: Pick<EmbeddedRecord, 'etcd'>,
  { containers }: EmbeddedOptions,
): Promise<boolean> {
  if (etcd.kind === 'process') return isAlive(etcd);
  return await onHost('look for our etcd', async () => (await containers?.isRunning(etcd.name)) === true);
}

/** False when it ends first, or is not healthy in time. */
async function answersInTime(
  endpoint: string,
  options: EmbeddedOptions,
  record: Pick<EmbeddedRecord, 'etcd'>,
): Promise<boolean> {
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline && !signal?.aborted) {
    // Asked first: an answer from a port whose process has ended is somebody else's.
    const running = await isRunning(record, options);
    if (!running) return false;
    if (await isHealthy(endpoint)) return isRunning(record, options);
    await sleep(POLL_MS);
  }
  return false;
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health', endpoint), { signal: AbortSignal.timeout(2_000) });
    const answer: unknown = await response.json();
    return (
      typeof answer === 'object' && answer !== null && 'health' in answer && String(answer.health) === 'true'
    );
  } catch {
    return false;
  }
}

function isOwnedByAnother({ owner }: EmbeddedRecord): boolean {
  return owner.pid !== process.pid && isAlive(owner);
}

function identifySelf(): ProcessIdentity {
  return identifyProcess(process.pid) ?? { pid: process.pid, started: '' };
}
