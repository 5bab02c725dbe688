// Other processes, from Linux' /proc: their CPU time, and which one is the proxy of a key prefix.
import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

/** User and system time so far, in milliseconds. */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The process whose command line has all of these words. Throws when there is none. */
export function findProcess(words: readonly string[]): number {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const found = pids.find((pid) => {
    const given = readCommandLine(pid);
    return words.every((word) => given.includes(word));
  });
  if (found === undefined) throw new Error(`no process has the arguments ${words.join(' ')}`);
  return Number(found);
}

function readCommandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
