import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:1';

interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

function run(command: string, args: readonly string[], { env = {}, stdin = '' }: Options = {}): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SLIPWAY_|NO_COLOR|FORCE_COLOR|DOCKER_)/.test(name),
  );
  const child = spawn(command, args, { env: { ...Object.fromEntries(inherited), ...env }, timeout: 25_000 });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, out, err }));
  });
}

function slipway(args: readonly string[], options?: Options): Promise<Ran> {
  return run(process.execPath, [MAIN, ...args], options);
}

describe('the program', () => {
  it('is started with the same bound on short-lived memory, wherever it is started from', () => {
    const [, flag = 'none'] =
      /^#!\/usr\/bin\/env -S node (--max-semi-space-size=\d+)\n/.exec(readFileSync(MAIN, 'utf8')) ?? [];
    const starts = ['Dockerfile', 'package.json', 'proxy/workers/worker.ts', 'scripts/demo-stage.ts'];
    const all = [...starts, 'test/support/slipway.ts', 'test/support/proxy-place.ts', 'bench/proxy/peers.ts'];
    const without = all.filter((path) => !readFileSync(join(MAIN, '../..', path), 'utf8').includes(flag));
    expect(without).toEqual([]);
  });

  it('prints its version', async () => {
    expect(await slipway(['--version'])).toEqual({
      exit: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: '',
    });
  });

  it('prints help on standard output when asked', async () => {
    const ran = await slipway(['--help']);
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(ran.out).toContain('Usage: slipway');
    expect(ran.out).toContain('Exit codes:');
  });

  it('prints help on standard error, and is 2, when nothing was asked', async () => {
    const ran = await slipway([]);
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toContain('Usage: slipway');
  });

  it.each([
    ['an unknown command', ['relase'], /unknown command 'relase'/],
    ['an unknown flag', ['status', '--wtach'], /unknown option '--wtach'\n\(Did you mean --watch\?\)/],
    ['an unknown flag of serve', ['serve', '--htp', ':80'], /unknown option '--htp'/],
    ['a flag without its value', ['status', '--etcd'], /argument missing/],
    ['an argument too many', ['status', 'a', 'b'], /too many arguments/],
    ['an argument too few', ['release', 'web'], /missing required argument 'version'/],
    ['a bad value', ['serve', '--http', 'here'], /--http: found "here", expected an address/],
    ['https', ['serve', '--https', ':443'], /--https: found it alone, expected --tls-dir beside it/],
    [
      'a bad duration',
      ['release', 'web', 'v1', '--timeout', 'soon'],
      /--timeout: found "soon", expected a duration/,
    ],
    [
      'a password file that is not there',
      ['status', '--etcd-user', 'a', '--etcd-password-file', '/none'],
      /--etcd-password-file: found a file that cannot be read/,
    ],
  ])('refuses %s', async (_, args, message) => {
    const ran = await slipway(args);
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toMatch(message);
  });

  it.each([
    ['that is not there', null, /found a file that cannot be read \(ENOENT.*no-token/],
    ['that is empty', '\n', /found an empty file \(.*no-token\)/],
    ['of two words', 'open sesame\n', /found several words in the file \(.*no-token\)/],
  ])('serve refuses a token file %s, before it begins', async (_, content, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-token-'));
    const file = join(folder, 'no-token');
    if (content !== null) writeFileSync(file, content);
    const ran = await slipway(['serve', '--etcd', NOWHERE, '--data-dir', folder, '--admin-token-file', file]);
    rmSync(folder, { recursive: true });
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toMatch(/^error: --admin-token-file: found .*, expected one with the token.*\n$/);
    expect(ran.err).toMatch(message);
    expect(ran.err).not.toContain('sesame');
  });

  it('refuses an unknown variable', async () => {
    const ran = await slipway(['status'], { env: { SLIPWAY_ETDC: NOWHERE } });
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toContain('SLIPWAY_ETDC: found an unknown variable, expected SLIPWAY_ETCD, perhaps');
  });

  it('reads standard input', async () => {
    const ran = await slipway(['validate', '-f', '-'], { stdin: 'service: web\nimage: shop/web\n' });
    expect(ran).toEqual({ exit: 0, out: 'valid: 1 service (web)\n', err: '' });
  });

  it('says what to do when etcd is away', async () => {
    const ran = await slipway(['status'], { env: { SLIPWAY_ETCD: NOWHERE } });
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toContain('127.0.0.1:1');
    expect(ran.err).not.toContain('    at ');
  });

  it('is quiet when its reader has gone, and ends as any program does', async () => {
    const pipe = `set -o pipefail; '${process.execPath}' '${MAIN}' --help | true; echo "code $?"`;
    expect(await run('bash', ['-c', pipe])).toEqual({ exit: 0, out: 'code 141\n', err: '' });
  });

  it('prints JSON alone, also when colour is forced and checks fail', async () => {
    const args = ['doctor', '-o', 'json', '--etcd', NOWHERE, '--docker', 'unix:///none.sock'];
    const ran = await slipway(args, { env: { FORCE_COLOR: '1' } });
    expect(ran.err).toBe('');
    expect(ran.exit).toBe(1);
    expect(JSON.parse(ran.out)).toContainEqual({
      check: 'engine socket',
      state: 'fail',
      found: '/none.sock does not exist',
      remedy: expect.stringContaining('start the engine'),
    });
  });
});
