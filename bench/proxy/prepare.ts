// What has to be there before anything is measured: the peers' packages, where they are missing, and ours as it is shipped.
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

export async function prepare(): Promise<void> {
  process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  await run('bash', [join(ROOT, 'scripts/bootstrap.sh'), '--for-proxy-bench']);
  await run('npm', ['run', 'build'], { cwd: ROOT });
}

/** Aborts when the bench is told to end. */
export function watchForEnd(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => stop.abort(new Error(`told to end by ${signal}`)));
  return stop.signal;
}
