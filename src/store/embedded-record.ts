// Remembers, beside its data, which etcd a daemon started and which daemon answers for it, so that the next run knows
// what it may end. A process is known by its id and start time together: ids are used again.
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProcessIdentity {
  readonly pid: number;
  /** As the system counts it: comparable, not readable. */
  readonly started: string;
}

export interface EmbeddedRecord {
  readonly etcd:
    | ({ readonly kind: 'process' } & ProcessIdentity)
    | { readonly kind: 'container'; readonly name: string };
  /** The daemon that ends it when it stops. */
  readonly owner: ProcessIdentity;
  readonly endpoint: string;
}

/** Null when there is no such process. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const started = process.platform === 'linux' ? startedByProc(pid) : startedByPs(pid);
  return started === null ? null : { pid, started };
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.started === started;
}

/** Null when there is none, or none that can be understood: then nothing is ours to end. */
export function readRecord(folder: string): EmbeddedRecord | null {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, 'etcd.json'), 'utf8'));
    return isRecord(record) ? record : null;
  } catch {
    return null;
  }
}

export function writeRecord(folder: string, record: EmbeddedRecord): void {
  const path = join(folder, 'etcd.json');
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

export function removeRecord(folder: string): void {
  rmSync(join(folder, 'etcd.json'), { force: true });
}

/** Field 22 of /proc/PID/stat, in ticks since boot; a zombie counts as gone. The name in field 2 may hold anything. */
function startedByProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function startedByPs(pid: number): string | null {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: 5_000, stdio: 'pipe' });
    return text.toString().trim() || null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is EmbeddedRecord {
  if (!isObject(value) || typeof value.endpoint !== 'string' || !isIdentity(value.owner)) return false;
  const { etcd } = value;
  if (!isObject(etcd)) return false;
  return etcd.kind === 'process'
    ? isIdentity(etcd)
    : etcd.kind === 'container' && typeof etcd.name === 'string';
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return isObject(value) && typeof value.pid === 'number' && typeof value.started === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
