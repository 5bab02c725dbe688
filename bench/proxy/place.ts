// What one run of the bench has to itself: a folder, cores, and everything it started, ended in the end.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Releases } from '../../src/app/releases.ts';
import { cleanEnvironment, startChild } from '../../test/support/child.ts';
import { waitFor } from '../../test/support/wait.ts';

export interface Place {
  readonly folder: string;
  /** Aborts when the bench is told to end. */
  readonly signal: AbortSignal;
}

export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Command {
  /** Its log is named so. */
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** As `taskset -c` takes them. */
  readonly cores: string;
  /** Where it listens once it is up. */
  readonly port: number;
}

export async function usePlace(signal: AbortSignal, work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    await work({ folder, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ends what was added to `releases`, however the work ends. */
export async function withReleases<T>(work: (releases: Releases) => Promise<T>): Promise<T> {
  const releases = new Releases();
  try {
    return await work(releases);
  } finally {
    await releases.close();
  }
}

/** Resolves once it listens. */
export async function startProgram(place: Place, wanted: Command): Promise<Program> {
  const path = join(place.folder, `${wanted.name}.log`);
  const log = openSync(path, 'a');
  const child = startChild('taskset', ['-c', wanted.cores, ...wanted.command], {
    cwd: place.folder,
    stdio: ['ignore', log, log],
    env: { ...cleanEnvironment(), ...wanted.environment },
  });
  closeSync(log);
  try {
    const isUp = async () => !child.isRunning() || (await canConnect(wanted.port));
    await waitFor(`${wanted.name} to listen`, isUp, { timeoutMs: 60_000 });
    if (!child.isRunning()) throw new Error(`${wanted.name} ended at once`);
  } catch (error) {
    await child.stop();
    throw new Error(`${wanted.name} did not start:\n${readFileSync(path, 'utf8')}`, { cause: error });
  }
  return { pid: child.pid, stop: () => child.stop() };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('connect', () => socket.destroy());
  });
}
