// A child process of a test: started, awaited, ended, never left behind even when the test's own process dies by exit.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from './wait.ts';

export interface Child {
  readonly pid: number;
  readonly exited: Promise<number | null>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after the grace; resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
}

export function startChild(command: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const child: ChildProcess = spawn(command, args, { stdio: 'ignore', ...options });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started: is it on PATH?`);
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      process.off('exit', killAtExit);
      resolve(code);
    });
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (graceMs = 10_000): Promise<void> => {
    if (!isRunning()) return;
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    await Promise.race([exited, sleep(graceMs, null, { ref: false })]);
    if (isRunning()) child.kill('SIGKILL');
    await exited;
  };
  return { pid, exited, isRunning, kill: (signal) => void child.kill(signal), stop };
}

/** For a wait on what it serves: null while it runs, then what it wrote. */
export function tellEnd(child: Child, logPath: string): string | null {
  return child.isRunning() ? null : `it has ended:\n${readFileSync(logPath, 'utf8')}`;
}

/** One that is nobody's child here; gone already is success. */
export async function endProcess(pid: number): Promise<void> {
  const isGone = () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  if (isGone()) return;
  process.kill(pid, 'SIGTERM');
  await waitFor(`process ${pid} to end`, isGone, { timeoutMs: 60_000 });
}

/** The environment of a child without settings that were meant for another Slipway. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_'));
  return Object.fromEntries(kept);
}
