// Stands in for vitest while mutants are judged: the same `expect`, and of `describe` and `it` what the tests of the core
// use. A file's outermost blocks are kept, not run, so that they can be run again and again in one process. The body of a
// `describe` runs each time too: what a table computes there is judged like the tests below it.
import { createHash } from 'node:crypto';
import { expect } from 'vitest';

export { expect };

export interface Block {
  /** File, name and text: a block that was changed is another one, which judges again what survived the former. */
  readonly id: string;
  readonly file: string;
  /** Throws what the first test that fails throws. */
  readonly run: () => void;
}

type Body = (...values: never[]) => unknown;
interface Declare {
  (name: string, ...rest: readonly unknown[]): void;
  each(rows: readonly unknown[]): (name: string, ...rest: readonly unknown[]) => void;
}

const blocks: Block[] = [];
let file = '';
let depth = 0;

/** Loads a file of tests and returns its blocks. `load` imports it. */
export async function collectBlocks(path: string, load: () => Promise<unknown>): Promise<readonly Block[]> {
  file = path;
  blocks.length = 0;
  await load();
  return [...blocks];
}

export const describe: Declare = withEach((name, body, text) => keep(name, text, () => within(body)));
export const it: Declare = withEach((name, body, text) => keep(name, text, () => check(name, body)));

/** Below a block that runs, at once; on the outside, later. */
function keep(name: string, text: string, run: () => void): void {
  if (depth > 0) {
    run();
    return;
  }
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  blocks.push({ id: `${file}#${name} ${hash} ${blocks.length}`, file, run });
}

function within(body: () => unknown): void {
  depth += 1;
  try {
    body();
  } finally {
    depth -= 1;
  }
}

function check(name: string, body: () => unknown): void {
  const result = body();
  if (result instanceof Promise) throw new Error(`${name}: a test that waits cannot judge mutants`);
}

function withEach(declare: (name: string, body: () => unknown, text: string) => void): Declare {
  const one = (name: string, ...rest: readonly unknown[]): void => {
    const body = bodyOf(rest);
    declare(name, () => body(), body.toString());
  };
  const each =
    (rows: readonly unknown[]) =>
    (name: string, ...rest: readonly unknown[]): void => {
      const body = bodyOf(rest);
      for (const row of rows) {
        const values = (Array.isArray(row) ? row : [row]) as never[];
        declare(name, () => body(...values), body.toString());
      }
    };
  return Object.assign(one, { each });
}

/** Options may stand before it. */
function bodyOf(rest: readonly unknown[]): Body {
  const body = rest.findLast((each) => typeof each === 'function');
  if (body === undefined) throw new Error('a test without a body');
  return body as Body;
}
