// `slipway proxy` as it runs without etcd: a table file, a web service behind it, and every process that has ever had
// its place, so that none is left behind.
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { isRunning } from '../../src/app/pid-file.ts';
import { issueForHosts } from './certificates.ts';
import { type Child, cleanEnvironment, startChild } from './child.ts';
import { findFreePorts } from './names.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = ['src', 'proxy', 'strategies', 'deploy', 'package.json'];
export const HOST = 'web.test';

export class ProxyPlace {
  readonly folder = mkdtempSync(join(tmpdir(), 'slipway-place-'));
  /** The program's files, of this place alone. */
  readonly program = join(this.folder, 'program');
  readonly table = join(this.folder, 'table.json');
  readonly pids = new Set<number>();
  readonly certificates = join(this.folder, 'certificates');
  /** Of the proxy, beside what it has anyway. */
  environment: NodeJS.ProcessEnv = {};
  /** As it is shipped, not from its sources: what turns those into JavaScript takes 30 MB. */
  isBuilt = false;
  port = 0;
  securePort = 0;
  adminPort = 0;
  /** Of the web service. */
  targetPort = 0;
  #target: Child | null = null;
  #proxy: Child | null = null;
  #secure = false;

  /** With TLS beside it. */
  async startSecure(...flags: readonly string[]): Promise<void> {
    mkdirSync(this.certificates);
    await issueForHosts(this.certificates, 'web', { hosts: [HOST] });
    this.#secure = true;
    await this.start(...flags);
  }

  async start(...flags: readonly string[]): Promise<void> {
    const [port = 0, adminPort = 0, targetPort = 0, securePort = 0] = await findFreePorts(4);
    this.port = port;
    this.securePort = securePort;
    this.adminPort = adminPort;
    this.targetPort = targetPort;
    const main = await this.#layOut();
    const env = { ...cleanEnvironment(), PORT: String(targetPort), VERSION: 'v1' };
    this.#target = startChild(process.execPath, [join(ROOT, 'test/image/server.ts')], { env });
    this.writeTable(targetPort);
    const log = openSync(join(this.folder, 'log'), 'a');
    const address = ['--http', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`];
    const place = ['--data-dir', this.folder];
    const https = ['--https', `127.0.0.1:${securePort}`, '--tls-dir', this.certificates];
    const given = [...place, ...(this.#secure ? https : []), ...flags];
    const args = ['--max-semi-space-size=8', main, 'proxy', ...address, ...given];
    // As a variable, so that a successor that does not get it serves nothing.
    const settings = { ...cleanEnvironment(), ...this.environment, SLIPWAY_TABLE: this.table };
    this.#proxy = startChild(process.execPath, args, { stdio: ['ignore', log, log], env: settings });
    await waitFor('the proxy to serve', () => this.pid() === this.#proxy?.pid);
    await waitFor('the service to answer', async () => (await fetch(`http://127.0.0.1:${targetPort}/`)).ok);
  }

  /** Returns what to start. */
  async #layOut(): Promise<string> {
    for (const part of PROGRAM) cpSync(join(ROOT, part), join(this.program, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.program, 'node_modules'));
    if (!this.isBuilt) return join(this.program, 'src/main.ts');
    const dist = join(this.program, 'dist');
    const compiler = join(ROOT, 'node_modules/.bin/tsc');
    await run(compiler, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', dist]);
    return join(dist, 'src/main.js');
  }

  writeTable(targetPort: number, protocol?: 'h2c'): void {
    const targets = [{ revision: 1, address: `127.0.0.1:${targetPort}`, protocol }];
    const web = { routes: [{ host: HOST, path: '/' }], split: { '1': 100 }, targets };
    writeFileSync(this.table, JSON.stringify({ version: 1, services: { web } }));
  }

  /** Of the process that serves. */
  pid(): number {
    const pid = Number(readFileSync(join(this.folder, `proxy-${this.port}.pid`), 'utf8'));
    this.pids.add(pid);
    return pid;
  }

  /** Resolves when another process serves. */
  async handOver(): Promise<void> {
    const before = this.pid();
    const told = this.count('handed over; what is in hand');
    process.kill(before, 'SIGUSR2');
    await waitFor('another process in its place', () => this.pid() !== before);
    await waitFor('its end to be told', () => this.count('handed over; what is in hand') > told);
  }

  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** How often the log says so. */
  count(message: string): number {
    return this.log().split(message).length - 1;
  }

  /** Those that once served, and still run. */
  listLiving(): number[] {
    return [...this.pids].filter((pid) => isRunning(pid, 'proxy'));
  }

  async stop(): Promise<void> {
    for (const pid of this.listLiving()) process.kill(pid, 'SIGTERM');
    await waitFor('every proxy to end', () => this.listLiving().length === 0);
    await this.#proxy?.exited;
    await this.#target?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
