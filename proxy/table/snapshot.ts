// The table on disk, so that a proxy that starts while nobody can tell it its table serves the last one that it knew.
// Written beside and renamed, so that there is always a whole one.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TableUpdate } from '../control.ts';
import { isFields } from './reader.ts';
import { runInSlices, type Steps } from './slices.ts';

/** Null when there is none, or none that can be read; entries are checked by whoever applies them. */
export async function loadSnapshot(path: string): Promise<TableUpdate['services'] | null> {
  try {
    const snapshot: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isFields(snapshot) && isFields(snapshot.services) ? snapshot.services : null;
  } catch {
    // Not there on the first start; a damaged one is worth no more than none, and the next table replaces it.
    return null;
  }
}

/** Writes one at a time; of what comes while it writes, only the newest is written. */
export class SnapshotWriter {
  readonly #path: string;
  readonly #onProblem: (problem: string) => void;
  #next: TableUpdate | null = null;
  #running: Promise<void> | null = null;

  constructor(path: string, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  save(update: TableUpdate): void {
    this.#next = update;
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when all that was saved is on disk. */
  async flush(): Promise<void> {
    await this.#running;
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== null) {
      const update = this.#next;
      this.#next = null;
      try {
        await writeSnapshot(this.#path, update);
      } catch (error) {
        this.#onProblem(
          `Cannot write the snapshot ${this.#path}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
}

async function writeSnapshot(path: string, update: TableUpdate): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(await runInSlices(render(update)));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}

function* render({ version, services }: TableUpdate): Steps<string> {
  const parts: string[] = [];
  for (const [name, entry] of Object.entries(services)) {
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    yield;
  }
  return `{"version":${version},"services":{${parts.join(',')}}}`;
}
