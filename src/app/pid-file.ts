// Which process serves a proxy's port, in a file beside its data: written by whoever starts it, then by each successor.
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Place {
  readonly dataDir: string;
  readonly http: { readonly port: number };
}

export function namePidFile({ dataDir, http }: Place): string {
  return join(dataDir, `proxy-${http.port}.pid`);
}

/** In one step: whoever reads meanwhile must not take the proxy for gone. */
export function writePid(path: string, pid: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.new`;
  writeFileSync(beside, `${pid}\n`);
  renameSync(beside, path);
}

/** Null when the file, or that process, is gone. */
export function readProxyPid(path: string): number | null {
  const pid = readPid(path);
  return pid !== null && isRunning(pid, 'proxy') ? pid : null;
}

/** Takes the file away if it names this process. True for the one who did. */
export function removePid(path: string, pid: number): boolean {
  if (readPid(path) !== pid) return false;
  try {
    unlinkSync(path);
    return true;
  } catch {
    // Somebody else was first.
    return false;
  }
}

/** A pid may have been given to another program since: its command line must be that of this command. */
export function isRunning(pid: number, command: 'proxy' | 'serve'): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes(command) && words.some((word) => /(^|\/)(main\.[tj]s|slipway)$/.test(word));
  } catch {
    return false;
  }
}

function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}
