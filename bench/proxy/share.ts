// Holds processes to a share of a core each, by the kernel's control groups: where the cores are fewer than those who want
// one, what several workers carry is compared with what one does at the same share.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 20_000;

/** Each of them gets a group of its own. Returns what takes the groups away, once the processes have ended. */
export function holdToShare(pids: readonly number[], percent: number): () => void {
  const isUnified = existsSync(join(ROOT, 'cgroup.controllers'));
  const quota = Math.round((PERIOD_US * percent) / 100);
  const folders = pids.map((pid) => join(isUnified ? ROOT : join(ROOT, 'cpu'), `slipway-bench-${pid}`));
  try {
    pids.forEach((pid, index) => {
      const folder = folders[index] ?? '';
      mkdirSync(folder);
      if (isUnified) writeFileSync(join(folder, 'cpu.max'), `${quota} ${PERIOD_US}`);
      else {
        writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US));
        writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota));
      }
      writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    });
  } catch (cause) {
    throw new Error(`--share needs root and control groups with the cpu controller at ${ROOT}`, { cause });
  }
  return () => {
    for (const folder of folders) rmdirSync(folder);
  };
}
