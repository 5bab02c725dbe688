// A table from a file, watched: read again whenever the file changes or is replaced. A file that is not valid is refused
// with its path and problems, and the table before it stays.
import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { TableSink } from '../control.ts';
import { ProxyFailure } from '../failure.ts';
import { Reader } from './reader.ts';
import { runInSlices } from './slices.ts';
import { readTableText, type TableText } from './table-text.ts';

/** An editor writes in several steps: look when it has been quiet for so long. */
const SETTLE_MS = 20;
/** For file systems that tell nothing of changes. */
const POLL_MS = 1_000;

interface Read {
  readonly table: TableText;
  readonly version: number;
}

async function readTableFile(path: string, before: TableText | null): Promise<Read> {
  let table: TableText | null;
  let whole: unknown;
  try {
    const bytes = await readFile(path);
    table = before?.bytes.equals(bytes) ? before : await runInSlices(readTableText(bytes, before));
    whole = table ?? JSON.parse(bytes.toString());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProxyFailure('table-file-invalid', `Table ${path}: ${why}`, { cause });
  }
  const reader = new Reader();
  const fields = reader.fields(whole, 'table');
  const version = reader.integer(fields.version, 'version', 0, Number.MAX_SAFE_INTEGER, 0);
  if (table === null) reader.fields(fields.services, 'services', 'services by name');
  if (table === null || reader.problems.length > 0) {
    throw new ProxyFailure('table-file-invalid', `Table ${path}: ${reader.problems.join('; ')}`);
  }
  return { table, version };
}

export class TableFileWatcher {
  readonly #path: string;
  readonly #sink: TableSink;
  readonly #onProblem: (problem: string) => void;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> = Promise.resolve();
  #table: TableText | null = null;
  #version = 0;
  #closed = false;

  constructor(path: string, sink: TableSink, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#sink = sink;
    this.#onProblem = onProblem;
  }

  /** Throws when the first table is not valid: there is none before it to serve. */
  async start(): Promise<void> {
    await this.#read();
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
      await this.#read();
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error));
    }
  }

  async #read(): Promise<void> {
    const { table, version } = await readTableFile(this.#path, this.#table);
    if (table !== this.#table && !this.#closed) await this.#apply(table, version);
  }

  /** People edit a table without counting up: a file's version never holds its content back. */
  async #apply(table: TableText, version: number): Promise<void> {
    this.#table = table;
    this.#version = Math.max(this.#version, version);
    const { refused } = await this.#sink.apply({ version: this.#version, services: table.services });
    for (const [service, problems] of Object.entries(refused))
      this.#onProblem(`Table ${this.#path}: services.${service}: ${problems}`);
  }
}
