// What was tried and held, in a file, so that a run can be broken off and gone on with. Only of the same commit: another
// program is another matter. A fault that never struck was not tried.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Verdict } from './points.ts';

interface Line extends Verdict {
  readonly commit: string;
}

export class FaultRecord {
  readonly #path: string;
  readonly #commit: string;

  constructor(path: string, commit: string) {
    this.#path = path;
    this.#commit = commit;
  }

  /** The points that need not be tried again. */
  held(): ReadonlySet<string> {
    if (!existsSync(this.#path)) return new Set();
    const lines = readFileSync(this.#path, 'utf8').split('\n');
    const all = lines.flatMap((line): Line[] => (line === '' ? [] : [JSON.parse(line)]));
    const done = all.filter(({ commit, struck, problems }) => {
      return commit === this.#commit && struck !== null && problems.length === 0;
    });
    return new Set(done.map(({ point }) => point));
  }

  add(verdict: Verdict): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    appendFileSync(this.#path, `${JSON.stringify({ commit: this.#commit, ...verdict })}\n`);
  }
}

/** The commit that is checked out; with changes since, no other run's. */
export function readCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const head = git('rev-parse', 'HEAD');
  const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
  return isChanged ? `${head} changed ${new Date().toISOString()}` : head;
}
