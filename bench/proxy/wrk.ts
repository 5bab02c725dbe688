// wrk: runs it once, and reads what it prints.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** On a busy machine an answer may take long; wrk counts those beyond as errors. */
const TIMEOUT = '20s';

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Header fields as `Name: value`. */
  readonly headers?: readonly string[];
  readonly script?: string;
  /** Of the script. */
  readonly arguments?: readonly string[];
  readonly signal: AbortSignal;
}

/** Throws when a single request failed. */
export async function runWrk(options: WrkOptions): Promise<Load> {
  const { url, connections, seconds, headers = [], script, arguments: more = [], signal } = options;
  const fixed = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '--timeout', TIMEOUT];
  const fields = headers.flatMap((header) => ['-H', header]);
  const scripted = script === undefined ? [] : ['-s', script];
  const { stdout } = await run('wrk', [...fixed, ...fields, ...scripted, url, '--', ...more], { signal });
  return parseWrk(stdout);
}

/** Throws when a request failed, or when a figure is missing. */
export function parseWrk(text: string): Load {
  const failed = /^ +(Socket errors|Non-2xx or 3xx responses): .*$/m.exec(text);
  if (failed !== null) throw new Error(`wrk: ${failed[0].trim()}`);
  if (/^ +0 requests in /m.test(text)) throw new Error('wrk: nothing was answered in the time given');
  const [, requests, took = ''] = /^ +(\d+) requests in ([\d.]+[a-z]+),/m.exec(text) ?? [];
  const load = {
    requests: Number(requests),
    seconds: readMs(took) / 1000,
    p50Ms: readMs(/^ +50% +(\S+) *$/m.exec(text)?.[1] ?? ''),
    p99Ms: readMs(/^ +99% +(\S+) *$/m.exec(text)?.[1] ?? ''),
  };
  const isComplete = Object.values(load).every((value) => Number.isFinite(value));
  if (!isComplete) throw new Error(`wrk: no figures in its answer:\n${text}`);
  return load;
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** NaN for what is no duration. */
function readMs(duration: string): number {
  const [, value, unit = ''] = /^([\d.]+)([a-z]+)$/.exec(duration) ?? [];
  return Number(value) * (UNIT_MS[unit] ?? Number.NaN);
}
