// The controllers on this machine that look after the same proxy: a file for each, named by its pid. One that has died
// counts no more, whatever became of its file.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isRunning } from './pid-file.ts';

export class Keepers {
  readonly #directory: string;
  readonly #stem: string;
  readonly #pid: number;

  /** Beside the proxy's pid file. */
  constructor(pidFile: string, pid: number) {
    this.#directory = dirname(pidFile);
    this.#stem = basename(pidFile, '.pid');
    this.#pid = pid;
  }

  join(): void {
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#name(this.#pid), '');
  }

  leave(): void {
    rmSync(this.#name(this.#pid), { force: true });
  }

  /** The pids of those that live, without this one, ascending. */
  listOthers(): readonly number[] {
    return readdirSync(this.#directory)
      .flatMap((file) => this.#parse(file) ?? [])
      .filter((pid) => pid !== this.#pid && isRunning(pid, 'serve'))
      .sort((a, b) => a - b);
  }

  /** How many go first when the proxy is to be started again. */
  countBefore(): number {
    return this.listOthers().filter((pid) => pid < this.#pid).length;
  }

  #name(pid: number): string {
    return join(this.#directory, `${this.#stem}.${pid}.keeper`);
  }

  #parse(file: string): number | null {
    const [stem, pid = '', ending, ...rest] = file.split('.');
    const isKeeper = stem === this.#stem && ending === 'keeper' && rest.length === 0 && /^\d+$/.test(pid);
    return isKeeper ? Number(pid) : null;
  }
}
