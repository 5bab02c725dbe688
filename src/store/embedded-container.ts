// The embedded etcd as a container, where there is no etcd program: the official image, through the docker program.
// The data lies in our folder on this machine; the container itself is thrown away at every stop.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { etcdArguments } from './embedded-process.ts';
import { StoreError } from './errors.ts';

export const ETCD_IMAGE = 'quay.io/coreos/etcd:v3.5.21';

const run = promisify(execFile);
/** The first run pulls the image. */
const RUN_TIMEOUT_MS = 180_000;
const SHORT_TIMEOUT_MS = 30_000;

/** One per data folder: the next run finds it by its name. */
export function nameContainer(folder: string): string {
  return `slipway-etcd-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}

export async function runContainer(
  docker: string,
  image: string,
  endpoint: string,
  folder: string,
): Promise<void> {
  const name = nameContainer(folder);
  const { port } = new URL(endpoint);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  await removeContainer(docker, name);
  const flags = etcdArguments('http://0.0.0.0:2379', endpoint, 'http://127.0.0.1:2380', '/slipway/data');
  const args = [
    ...['run', '--detach', '--name', name, '--label', 'slipway.embedded=etcd', '--user', user],
    ...['--publish', `127.0.0.1:${port}:2379`, '--volume', `${folder}:/slipway`, '--entrypoint', 'etcd'],
    ...[image, ...flags],
  ];
  await ask(docker, args, RUN_TIMEOUT_MS, `start etcd from ${image}`);
}

/** SIGTERM, grace, SIGKILL; gone already is success. */
export async function removeContainer(docker: string, name: string): Promise<void> {
  if (!(await hasContainer(docker, name))) return;
  await ask(docker, ['stop', '--time', '5', name], SHORT_TIMEOUT_MS, `stop the container ${name}`);
  await ask(docker, ['rm', '--force', name], SHORT_TIMEOUT_MS, `remove the container ${name}`);
}

/** In any state. */
export async function hasContainer(docker: string, name: string): Promise<boolean> {
  const args = ['ps', '--all', '--quiet', '--filter', `name=^/?${name}$`];
  return (await ask(docker, args, SHORT_TIMEOUT_MS, 'list containers')) !== '';
}

export async function isContainerRunning(docker: string, name: string): Promise<boolean> {
  const args = ['ps', '--quiet', '--filter', `name=^/?${name}$`];
  return (await ask(docker, args, SHORT_TIMEOUT_MS, 'list containers')) !== '';
}

async function ask(docker: string, args: readonly string[], timeout: number, what: string): Promise<string> {
  try {
    return (await run(docker, args, { timeout })).stdout.trim();
  } catch (cause) {
    const words = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    const next = 'install etcd (Debian: apt-get install etcd-server), or give --etcd';
    throw new StoreError('store-embedded-failed', `docker cannot ${what}: ${words}; ${next}`, cause);
  }
}
