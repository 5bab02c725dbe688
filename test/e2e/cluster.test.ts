// etcd as production has it: three members, TLS with client certificates, users with no more than their role. Every
// program is its own user: the controller, the proxy, an operator, CI.
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendBurst } from '../../scripts/load-burst.ts';
import { issue } from '../support/certificates.ts';
import { type Child, cleanEnvironment, startChild } from '../support/child.ts';
import { removeEverything } from '../support/containers.ts';
import { readShell } from '../support/documents.ts';
import { findFreePorts, uniqueName, uniquePrefix } from '../support/names.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const run = promisify(execFile);
const prefix = uniquePrefix();
const service = uniqueName('web');
const members: Child[] = [];
const programs: Child[] = [];
let folder: string;
let endpoints: readonly string[];
let http = 0;

const inFolder = (name: string) => join(folder, name);

async function startMembers(): Promise<void> {
  const ports = await findFreePorts(6);
  endpoints = ports.slice(0, 3).map((port) => `https://127.0.0.1:${port}`);
  const peers = ports.slice(3).map((port) => `https://127.0.0.1:${port}`);
  const cluster = peers.map((url, index) => `m${index}=${url}`).join(',');
  const [cert, key, ca] = [inFolder('server.pem'), inFolder('server.key'), inFolder('ca.pem')];
  for (const [index, url] of endpoints.entries()) {
    const peer = peers[index] ?? '';
    const args = [
      ...[
        '--name',
        `m${index}`,
        '--data-dir',
        inFolder(`m${index}`),
        '--log-level',
        'error',
        '--logger',
        'zap',
      ],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster],
      ...['--cert-file', cert, '--key-file', key, '--client-cert-auth', '--trusted-ca-file', ca],
      ...['--peer-cert-file', cert, '--peer-key-file', key, '--peer-client-cert-auth'],
      ...['--peer-trusted-ca-file', ca],
    ];
    members.push(startChild('etcd', args));
  }
  await waitFor('the cluster', () => etcdctl('endpoint', 'health'));
}

async function etcdctl(...words: readonly string[]): Promise<string> {
  const tls = [
    '--cacert',
    inFolder('ca.pem'),
    '--cert',
    inFolder('client.pem'),
    '--key',
    inFolder('client.key'),
  ];
  const env = { ...process.env, ETCDCTL_API: '3' };
  const { stdout } = await run('etcdctl', ['--endpoints', endpoints.join(','), ...tls, ...words], { env });
  return stdout;
}

/** The flags with which a program is this user. */
function connectAs(user: string): string[] {
  const password = inFolder(`${user}.password`);
  writeFileSync(password, `${user}-password\n`, { mode: 0o600 });
  return [
    ...[
      '--etcd',
      endpoints.join(','),
      '--etcd-user',
      user,
      '--etcd-password-file',
      password,
      '--prefix',
      prefix,
    ],
    ...[
      '--etcd-ca',
      inFolder('ca.pem'),
      '--etcd-cert',
      inFolder('client.pem'),
      '--etcd-key',
      inFolder('client.key'),
    ],
  ];
}

async function slipway(user: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN, ...args, ...connectAs(user)], {
    env: cleanEnvironment(),
  });
  return stdout;
}

function launch(user: string, ...args: readonly string[]): void {
  const log = openSync(inFolder('log'), 'a');
  const data = ['--data-dir', inFolder(user)];
  const all = [MAIN, ...args, ...data, ...connectAs(user)];
  programs.push(startChild(process.execPath, all, { stdio: ['ignore', log, log], env: cleanEnvironment() }));
  closeSync(log);
}

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  folder = mkdtempSync(join(tmpdir(), 'slipway-cluster-'));
  await issue(folder, 'ca', null);
  for (const name of ['server', 'client']) await issue(folder, name, 'ca');
  await startMembers();
  const places = { '/slipway/': `${prefix}/`, '/services/web/': `/services/${service}/` };
  for (const [, ...words] of readShell('etcd.md', 'roles', places)) await etcdctl(...words);
  const [port, admin, proxyAdmin] = await findFreePorts(3);
  http = port ?? 0;
  launch('controller', 'serve', '--no-proxy', '--admin', `127.0.0.1:${admin}`, '--leader-ttl', '5s');
  launch('proxy', 'proxy', '--http', `127.0.0.1:${http}`, '--admin', `127.0.0.1:${proxyAdmin}`);
});

afterAll(async () => {
  for (const program of programs) await program.stop(60_000);
  await removeEverything(prefix);
  for (const member of members) await member.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a cluster of three with TLS and roles', () => {
  it('serves every user within its role, also with a member down', async () => {
    const spec = [
      ...[`service: ${service}`, `image: ${REPOSITORY}`, 'port: 8080', 'routes: [{ host: it.test }]'],
      'healthcheck: { http: /health, start_interval: 100ms, timeout: 10s }',
      'strategy: { type: rolling, min_ready: 200ms, monitor: 200ms }',
    ];
    writeFileSync(inFolder('web.yaml'), `${spec.join('\n')}\n`);
    try {
      expect(await slipway('operator', 'apply', '-f', inFolder('web.yaml'))).toContain('created');
      await slipway('ci-web', 'release', service, 'v1', '--wait', '--timeout', '90s');
      await expectTraffic('v1');
      await expect(slipway('ci-web', 'freeze', '--reason', 'x')).rejects.toThrow(/permission/i);
      await expect(slipway('proxy', 'status', service)).rejects.toThrow(/permission/i);
      expect(JSON.parse(await slipway('operator', 'backup', '-')).prefix).toBe(prefix);
      await members[0]?.stop();
      await slipway('ci-web', 'release', service, 'v2', '--wait', '--timeout', '90s');
      await expectTraffic('v2');
    } catch (error) {
      throw new Error(`${String(error)}\n${readFileSync(inFolder('log'), 'utf8').slice(-4000)}`, {
        cause: error,
      });
    }
  });
});

async function expectTraffic(version: string): Promise<void> {
  const { byVersion, problems } = await sendBurst({ port: http, host: 'it.test' }, 50);
  expect({ byVersion, problems }).toEqual({ byVersion: { [version]: 50 }, problems: [] });
}
