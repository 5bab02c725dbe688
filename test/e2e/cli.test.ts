import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const SPEC = 'service: web\nimage: shop/web\nport: 8080\n';

interface Running {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

let etcd: EtcdServer;
let folder: string;

beforeAll(async () => {
  etcd = await startEtcd();
  folder = mkdtempSync(join(tmpdir(), 'slipway-cli-'));
  writeFileSync(join(folder, 'web.yaml'), SPEC);
  writeFileSync(join(folder, 'password'), 'open sesame\n');
});

afterAll(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[]): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SLIPWAY_'));
  const env = { ...Object.fromEntries(inherited), SLIPWAY_ETCD: etcd.url };
  const child = spawn(process.execPath, [MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk.toString();
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, output, exit };
}

async function slipway(...args: readonly string[]): Promise<Ran> {
  const { output, exit } = start(args);
  return { exit: await exit, ...output };
}

describe('given a real etcd and no controller', () => {
  it('an operator applies, plans and releases, and everyone sees where it stands', async () => {
    expect(await slipway('apply', '-f', join(folder, 'web.yaml'))).toEqual({
      exit: 0,
      out: 'web: created\n',
      err: '',
    });
    expect(await etcd.ctl('get', '--print-value-only', '/slipway/services/web/spec')).toBe(`${SPEC}\n`);

    const plan = await slipway('plan', 'web', '--version', 'v1');
    expect(plan).toMatchObject({ exit: 0, err: '' });
    expect(plan.out).toContain('start web-r1-1');
    expect(await etcd.ctl('get', '--prefix', '--keys-only', '/slipway/')).toBe(
      '/slipway/services/web/spec\n\n',
    );

    expect((await slipway('release', 'web', 'v1')).exit).toBe(0);
    const status = await slipway('status');
    expect(status.out).toContain('no controller has seen it yet; asked for v1');
    expect((await slipway('explain', 'web')).out).toContain('No controller leads');
  });

  it('a release that is waited for times out, saying why', async () => {
    const ran = await slipway('release', 'web', 'v2', '--wait', '--timeout', '2s');
    expect(ran.exit).toBe(5);
    expect(ran.err).toContain('No controller has taken notice');
  });

  it('Ctrl-C leaves a release that is waited for, and the key as it is', async () => {
    const running = start(['release', 'web', 'v3', '--wait']);
    await waitFor('the first line', () => running.output.out.includes('waiting for the controller'));
    running.child.kill('SIGINT');
    expect(await running.exit).toBe(130);
    expect(running.output.err).toContain('slipway abort web');
    expect(await etcd.ctl('get', '--print-value-only', '/slipway/services/web/version')).toBe('v3\n');
  });

  it('the doctor knows the server', async () => {
    const { out, err } = await slipway('doctor', '-o', 'json');
    expect(err).toBe('');
    const findings: readonly { readonly check: string }[] = JSON.parse(out);
    expect(findings).toContainEqual(expect.objectContaining({ check: 'etcd health', state: 'ok' }));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'etcd permission', state: 'ok' }));
    expect(findings.map(({ check }) => check)).toContain('etcd version');
  });
});

describe('given an etcd with authentication, and a role for CI that may write one key', () => {
  const flags = () => ['--etcd-user', 'ci', '--etcd-password-file', join(folder, 'password')];

  beforeAll(async () => {
    await etcd.ctl('role', 'add', 'ci-web');
    await etcd.ctl('role', 'grant-permission', 'ci-web', 'write', '/slipway/services/web/version');
    await etcd.ctl('role', 'grant-permission', 'ci-web', 'read', '--prefix', '/slipway/services/web/');
    await etcd.ctl('user', 'add', 'ci:open sesame');
    await etcd.ctl('user', 'grant-role', 'ci', 'ci-web');
    await etcd.ctl('user', 'add', 'root:root');
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    await etcd.ctl('auth', 'enable');
  });

  it('releases and follows the rollout', async () => {
    expect(await slipway('release', 'web', 'v4', ...flags())).toMatchObject({ exit: 0, err: '' });
    expect((await slipway('release', 'web', 'v5', '--wait', '--timeout', '2s', ...flags())).exit).toBe(5);
    expect((await slipway('explain', 'web', ...flags())).exit).toBe(0);
  });

  it('can do nothing else', async () => {
    for (const args of [
      ['freeze', '--reason', 'x'],
      ['promote', 'web'],
      ['weights', 'web', 'v1=100'],
      ['rm', 'web'],
    ]) {
      const ran = await slipway(...args, ...flags());
      expect([args[0], ran.exit, ran.out]).toEqual([args[0], 1, '']);
      expect(ran.err).toMatch(/permission|not permitted|may not/i);
      expect(ran.err).not.toContain('sesame');
    }
  });

  it('is told when nobody says who it is', async () => {
    const ran = await slipway('status', 'web');
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toMatch(/user|authenticat/i);
  });
});
