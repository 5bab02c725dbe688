// Who runs on which core: what is measured has some to itself where there are enough, load and backends have the others.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Placement {
  /** As `taskset -c` takes them. */
  readonly proxy: string;
  readonly load: string;
  readonly isShared: boolean;
}

/** The last cores are the proxy's; with too few of them everybody shares all. */
export function planCores(allowed: readonly number[], wanted: number): Placement {
  const isShared = allowed.length <= wanted;
  const at = allowed.length - wanted;
  const [load, proxy] = isShared ? [allowed, allowed] : [allowed.slice(0, at), allowed.slice(at)];
  return { proxy: proxy.join(','), load: load.join(','), isShared };
}

/** Those that this process may use. */
export function readAllowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  return parseCores(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
}

/** `0-2,5` → 0, 1, 2, 5 */
export function parseCores(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    const count = Number(to) - Number(from) + 1;
    if (!(count > 0)) throw new Error(`not a list of cores: ${list}`);
    return Array.from({ length: count }, (_, i) => Number(from) + i);
  });
}

/** All threads of this process; what it starts from then on inherits it. */
export function moveHere(cores: string): void {
  execFileSync('taskset', ['-a', '-p', '-c', cores, String(process.pid)]);
}
