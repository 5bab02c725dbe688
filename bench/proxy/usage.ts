// What a process and its descendants take of the machine, from Linux' /proc: CPU time in nanoseconds, and memory.
import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  readonly residentMb: number;
  /** The most that was resident since each process began; as a sum, an upper bound. */
  readonly peakMb: number;
}

/** User and system time so far, of all of them. The kernel counts it by the nanosecond here, elsewhere by the tick. */
export function readCpuMs(root: number): number {
  let total = 0;
  for (const pid of listTree(root)) {
    for (const task of readdirSync(`/proc/${pid}/task`))
      total += parseSchedstat(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8'));
  }
  return total;
}

/** Pages that they share count once for each of them. */
export function readMemory(root: number): Memory {
  const all = listTree(root).map((pid) => parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8')));
  return {
    residentMb: all.reduce((sum, { residentMb }) => sum + residentMb, 0),
    peakMb: all.reduce((sum, { peakMb }) => sum + peakMb, 0),
  };
}

/** Milliseconds on a CPU. */
export function parseSchedstat(text: string): number {
  const ns = Number(/^(\d+) \d+ \d+\s*$/.exec(text)?.[1]);
  if (!Number.isFinite(ns)) throw new Error(`not a schedstat: ${text}`);
  return ns / 1e6;
}

export function parseStatus(text: string): Memory {
  const [residentMb, peakMb] = ['VmRSS', 'VmHWM'].map(
    (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024,
  );
  if (!Number.isFinite(residentMb) || !Number.isFinite(peakMb)) throw new Error('no memory in a status');
  return { residentMb: residentMb ?? Number.NaN, peakMb: peakMb ?? Number.NaN };
}

/** The process first, then its descendants. */
export function listTree(root: number): number[] {
  const children = readdirSync(`/proc/${root}/task`).flatMap((task) =>
    readFileSync(`/proc/${root}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [root, ...children.flatMap(listTree)];
}
