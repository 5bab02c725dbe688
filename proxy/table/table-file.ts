// A table from a file, watched: read again whenever the file changes or is replaced. A file that is not valid is refused
// with its path and problems, and the table before it stays.
import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Acknowledgement, TableSink, TableUpdate } from '../control.ts';
import { ProxyFailure } from '../failure.ts';
import { Reader } from './reader.ts';

/** An editor writes in several steps: look when it has been quiet for so long. */
const SETTLE_MS = 20;
/** For file systems that tell nothing of changes. */
const POLL_MS = 1_000;
const AT_ONCE = 200;

export async function readTableFile(
  path: string,
): Promise<{ readonly text: string; readonly update: TableUpdate }> {
  let value: unknown;
  let text = '';
  try {
    text = await readFile(path, 'utf8');
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProxyFailure('table-file-invalid', `Table ${path}: ${why}`, { cause });
  }
  const reader = new Reader();
  const fields = reader.fields(value, 'table');
  const version = reader.integer(fields.version, 'version', 0, Number.MAX_SAFE_INTEGER, 0);
  const services = reader.fields(fields.services, 'services', 'services by name');
  if (reader.problems.length > 0) {
    throw new ProxyFailure('table-file-invalid', `Table ${path}: ${reader.problems.join('; ')}`);
  }
  return { text, update: { version, services } };
}

export class TableFileWatcher {
  readonly #path: string;
  readonly #sink: TableSink;
  readonly #onProblem: (problem: string) => void;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> = Promise.resolve();
  #text = '';
  #version = 0;
  #entries: ReadonlyMap<string, Entry> = new Map();
  #closed = false;

  constructor(path: string, sink: TableSink, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#sink = sink;
    this.#onProblem = onProblem;
  }

  /** Throws when the first table is not valid: there is none before it to serve. */
  async start(): Promise<void> {
    const { text, update } = await readTableFile(this.#path);
    await this.#apply(text, update);
    this.#watcher = watch(dirname(this.#path), (_event, name) => {
      if (name === null || name === basename(this.#path)) this.#look();
    });
    this.#watcher.on('error', (error) => this.#onProblem(`Watching ${this.#path}: ${error.message}`));
    watchFile(this.#path, { interval: POLL_MS, persistent: false }, this.#onStat);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    unwatchFile(this.#path, this.#onStat);
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#reading;
  }

  readonly #onStat = (): void => this.#look();

  #look(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#reading = this.#reading.then(() => this.#readAgain());
    }, SETTLE_MS);
  }

  async #readAgain(): Promise<void> {
    try {
      const { text, update } = await readTableFile(this.#path);
      if (text !== this.#text && !this.#closed) await this.#apply(text, update);
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error));
    }
  }

  /** People edit a table without counting up: a file's version never holds its content back. */
  async #apply(text: string, update: TableUpdate): Promise<void> {
    this.#text = text;
    this.#version = Math.max(this.#version, update.version);
    const services = await this.#keepSame(update.services);
    const answer = await this.#sink.apply({ version: this.#version, services });
    for (const problem of describeRefused(answer)) this.#onProblem(`Table ${this.#path}: ${problem}`);
  }

  /** What says the same as before is the same value. A few at a time: requests do not wait for thousands of them. */
  async #keepSame(services: TableUpdate['services']): Promise<TableUpdate['services']> {
    const entries = new Map<string, Entry>();
    for (const [name, value] of Object.entries(services)) {
      const text = JSON.stringify(value);
      const before = this.#entries.get(name);
      entries.set(name, before?.text === text ? before : { text, value });
      if (entries.size % AT_ONCE === 0) await setImmediate();
    }
    this.#entries = entries;
    return Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
  }
}

interface Entry {
  readonly text: string;
  readonly value: unknown;
}

function describeRefused({ refused }: Acknowledgement): readonly string[] {
  return Object.entries(refused).map(([service, problems]) => `services.${service}: ${problems}`);
}
