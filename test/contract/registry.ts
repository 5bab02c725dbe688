// A registry of a test's own on loopback: Debian's docker-registry, with or without htpasswd.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { startChild, tellEnd } from '../support/child.ts';
import { findFreePorts } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface TestRegistry {
  /** `127.0.0.1:5001`. */
  readonly host: string;
  /** Pushes a local image as `<host>/<path>:<tag>` and removes that name from the engine. Returns the digest. */
  push(local: string, path: string, tag: string): Promise<string>;
  close(): Promise<void>;
}

export async function startRegistry(
  login: Login | null = null,
  docker = new Docker(),
): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-registry-'));
  const [port = 0] = await findFreePorts(1);
  const host = `127.0.0.1:${port}`;
  writeFileSync(join(folder, 'config.yml'), configOf(folder, host, login));
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'a');
  const child = startChild('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const answers = async () => (await fetch(`http://${host}/v2/`)).status < 500;
  await waitFor('the registry', answers, { hopeless: () => tellEnd(child, logPath) });
  return {
    host,
    push: (local, path, tag) => push(docker, local, { repo: `${host}/${path}`, tag }, login),
    close: async () => {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf(folder: string, host: string, login: Login | null): string {
  const lines = [
    'version: 0.1',
    'log: { level: error }',
    `storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }`,
    `http: { addr: "${host}" }`,
  ];
  if (login === null) return `${lines.join('\n')}\n`;
  const htpasswd = execFileSync('htpasswd', ['-Bbn', login.username, login.password], { encoding: 'utf8' });
  writeFileSync(join(folder, 'htpasswd'), htpasswd);
  return `${[...lines, `auth: { htpasswd: { realm: test, path: ${folder}/htpasswd } }`].join('\n')}\n`;
}

async function push(
  docker: Docker,
  local: string,
  name: { readonly repo: string; readonly tag: string },
  login: Login | null,
): Promise<string> {
  const reference = `${name.repo}:${name.tag}`;
  await docker.getImage(local).tag(name);
  const image = docker.getImage(reference);
  const stream = await image.push({ authconfig: login ?? { username: '', password: '' } });
  const lines = await new Promise<readonly Record<string, unknown>[]>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, all: readonly Record<string, unknown>[]) => {
      if (error === null) resolve(all);
      else reject(error);
    });
  });
  const text = JSON.stringify(lines);
  const digest = /sha256:[0-9a-f]{64}(?= size)/.exec(text)?.[0];
  if (digest === undefined) throw new Error(`pushing ${reference} failed: ${text.slice(-400)}`);
  await image.remove();
  return digest;
}
