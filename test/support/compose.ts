// The project's own docker-compose.yml, brought up for one test: under a name, a key prefix and ports of its own, with
// an image built from the Dockerfile, and taken away again without a trace.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { parse } from 'yaml';
import { removeImages } from '../../scripts/images.ts';
import { ensureStandIns, removeStandIns } from '../../scripts/stand-in-images.ts';
import { removeEverything } from './containers.ts';
import { findFreePorts, uniqueName, uniquePrefix } from './names.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SOCKET = '/var/run/docker.sock';
const NETWORK = 'slipway';
const run = promisify(execFile);

export interface Stack {
  readonly image: string;
  readonly prefix: string;
  readonly ports: {
    readonly http: number;
    readonly admin: number;
    readonly prometheus: number;
    readonly etcd: number;
  };
  /** Runs docker-compose on it and returns what it prints. */
  compose(...args: readonly string[]): Promise<string>;
  inspect(service: string): Promise<Docker.ContainerInspectInfo>;
  remove(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const docker = new Docker();
  const made = await ensureStandIns([...readImages(), 'node:24-slim'], docker);
  const name = uniqueName('stack');
  const image = `slipway-test/${name}:built`;
  await buildProgram(image);
  await ensureNetwork(docker);
  const folder = mkdtempSync(join(tmpdir(), 'slipway-stack-'));
  const stack = await describeStack({ docker, name, image, folder });
  const remove = async () => {
    await stack.compose('down', '--volumes', '--timeout', '20');
    await removeEverything(stack.prefix, docker);
    await removeImages([image], docker);
    await removeStandIns(made, docker);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await stack.compose('up', '--detach', '--no-build');
  } catch (error) {
    await remove();
    throw error;
  }
  return { ...stack, remove };
}

interface Parts {
  readonly docker: Docker;
  readonly name: string;
  readonly image: string;
  readonly folder: string;
}

async function describeStack({ docker, name, image, folder }: Parts): Promise<Omit<Stack, 'remove'>> {
  const [http = 0, admin = 0, prometheus = 0, etcd = 0] = await findFreePorts(4);
  const prefix = uniquePrefix();
  const env = {
    ...process.env,
    STACK_IMAGE: image,
    SLIPWAY_PREFIX: prefix,
    STACK_HTTP_PORT: String(http),
    STACK_ADMIN_PORT: String(admin),
    PROMETHEUS_PORT: String(prometheus),
    ETCD_PORT: String(etcd),
    DOCKER_GID: String(statSync(SOCKET).gid),
  };
  const override = join(folder, 'override.yml');
  // The network belongs to every test on this engine: used, never removed.
  writeFileSync(override, `networks: { services: { external: true, name: ${NETWORK} } }\n`);
  const files = ['--file', join(ROOT, 'docker-compose.yml'), '--file', override];
  const compose = async (...args: readonly string[]): Promise<string> => {
    const all = ['--project-name', name, ...files, '--profile', 'monitoring', ...args];
    const { stdout } = await run('docker-compose', all, { cwd: ROOT, env, timeout: 120_000 });
    return stdout;
  };
  const inspect = async (service: string): Promise<Docker.ContainerInspectInfo> => {
    const label = [`com.docker.compose.project=${name}`, `com.docker.compose.service=${service}`];
    const [container] = await docker.listContainers({ all: true, filters: { label } });
    if (container === undefined) throw new Error(`no container of ${service}`);
    return docker.getContainer(container.Id).inspect();
  };
  return { image, prefix, ports: { http, admin, prometheus, etcd }, compose, inspect };
}

/** The images that docker-compose.yml takes from elsewhere. */
function readImages(): string[] {
  const file: unknown = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true });
  if (typeof file !== 'object' || file === null || !('services' in file)) throw new Error('no services');
  return Object.values(file.services ?? {})
    .map((service: { readonly image: string }) => service.image)
    .filter((image) => !image.startsWith('$'));
}

async function buildProgram(image: string): Promise<void> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  await run('docker', ['build', '--tag', image, ROOT], {
    env,
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function ensureNetwork(docker: Docker): Promise<void> {
  const found = await docker.listNetworks({ filters: { name: [`^${NETWORK}$`] } });
  if (found.length > 0) return;
  await docker.createNetwork({ Name: NETWORK, CheckDuplicate: true, Labels: { 'slipway.network': 'true' } });
}
