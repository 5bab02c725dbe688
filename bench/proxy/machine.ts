// What the figures are of: the machine, how busy it was, and the versions of everybody.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { readProgramVersion } from '../../src/version.ts';

const run = promisify(execFile);

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 1_048_576),
    kernel: release(),
    versions: {
      ours: `${readProgramVersion()} at ${await firstLine('git', ['describe', '--always', '--dirty'])}`,
      node: process.version,
      nginx: await firstLine('nginx', ['-v']),
      haproxy: await firstLine('haproxy', ['-v']),
      caddy: await firstLine('caddy', ['version']),
      'http-proxy': readHttpProxyVersion(),
      wrk: await firstLine('wrk', ['-v']),
      slowhttptest: await lineWith('version', 'slowhttptest', ['-h']),
    },
  };
}

/** Runnable processes over the last minute, as a mean. */
export function readLoadAverage(): number {
  return loadavg()[0] ?? Number.NaN;
}

/** Some say it on the standard error, and wrk fails while it does. */
async function firstLine(command: string, args: readonly string[]): Promise<string> {
  return lineWith('', command, args);
}

/** Of what it says, the first that has this word. */
async function lineWith(word: string, command: string, args: readonly string[]): Promise<string> {
  const said = await run(command, [...args]).catch((error: { stdout?: string; stderr?: string }) => error);
  const lines = `${said.stdout ?? ''}${said.stderr ?? ''}`.split('\n');
  const line = lines.find((each) => each.includes(word))?.trim();
  return line === undefined || line === '' ? 'unknown' : line;
}

function readHttpProxyVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('http-proxy/package.json');
  const isKnown = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isKnown ? String(manifest.version) : 'unknown';
}
