// Doctor's checks of this machine: Node, the data directory, free space, control groups.
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compareVersions } from './doctor-engine.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const OLDEST_NODE = '24.0.0';
const GIB = 1024 ** 3;
const LITTLE = 2 * GIB;
const TOO_LITTLE = 0.5 * GIB;

export function checkNode(version: string): Finding[] {
  if (compareVersions(version, OLDEST_NODE) >= 0) return [ok('node', version)];
  return [fail('node', version, `install Node ${OLDEST_NODE} or later`)];
}

export async function checkDirectory(path: string): Promise<Finding[]> {
  const check = 'data directory';
  const existing = await findExisting(path);
  try {
    await access(existing, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [fail(check, `${existing} is not writable`, `\`chown\` it, or name another with --data-dir`)];
  }
  if (existing !== path) return [ok(check, `${path} does not exist yet and can be created`)];
  const { mode } = await stat(path);
  if ((mode & 0o007) === 0) return [ok(check, path)];
  return [
    warn(
      check,
      `${path} is open to every user of this machine`,
      `\`chmod 700 ${path}\`: it holds the keys of the embedded etcd`,
    ),
  ];
}

export async function checkDisk(path: string): Promise<Finding[]> {
  const existing = await findExisting(path);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const found = `${(free / GIB).toFixed(1)} GiB free at ${existing}`;
  const remedy = 'free some: unused images go with `docker image prune`';
  if (free < TOO_LITTLE) return [fail('disk', found, remedy)];
  return free < LITTLE ? [warn('disk', found, remedy)] : [ok('disk', found)];
}

/** The path itself, or the nearest directory above it that exists. */
async function findExisting(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found !== null || dirname(path) === path ? path : findExisting(dirname(path));
}

/** Without the memory controller the engine ignores `mem_limit`. */
export async function checkGroups(root = '/sys/fs/cgroup'): Promise<Finding[]> {
  const unified = await readFile(`${root}/cgroup.controllers`, 'utf8').catch(() => null);
  const legacy = unified === null && (await stat(`${root}/memory`).catch(() => null)) !== null;
  const version = unified === null ? 'v1' : 'v2';
  const hasMemory = legacy || (unified?.split(/\s+/).includes('memory') ?? false);
  if (hasMemory) return [ok('cgroup', `${version}, with memory limits`)];
  return [
    warn(
      'cgroup',
      `${version}, without the memory controller`,
      'boot with it enabled, or `mem_limit` has no effect',
    ),
  ];
}
