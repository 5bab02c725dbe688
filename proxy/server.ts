// The front door of the data plane: starts it, in this process or in workers, with its snapshot and its table file, and
// stops it. Whoever feeds it tables from elsewhere does so through `sink`.
import type { TableSink, TableUpdate } from './control.ts';
import { type ProxyStats, SECONDS_BUCKETS } from './counters.ts';
import { type Address, type LocalOptions, LocalProxy } from './local.ts';
import { loadSnapshot, SnapshotWriter } from './snapshot.ts';
import { TableFileWatcher } from './table-file.ts';
import { Crew } from './worker.ts';

export interface ProxyOptions extends LocalOptions {
  /** Processes that serve; 1, the default, serves in this one. */
  readonly workers?: number;
  /** Serve this table, and watch it. */
  readonly tableFile?: string;
  /** Whoever feeds it tables from elsewhere: called before anything listens, resolves once there is a first table. */
  readonly feed?: (sink: TableSink, snapshots: Snapshots) => Promise<void>;
  /** Where the table is kept for the next start. */
  readonly snapshotFile?: string;
  /** Told what went wrong without stopping anything: one sentence for the log. */
  readonly onProblem?: (problem: string) => void;
}

/** The last table on disk. */
export interface Snapshots {
  /** Its version is 0: it may be older than what was acknowledged before. */
  read(): Promise<TableUpdate | null>;
  /** Keeps what is in force now, as this update's. */
  write(update: TableUpdate): void;
}

export interface RunningProxy {
  readonly sink: TableSink;
  readonly addresses: readonly Address[];
  stats(): Promise<ProxyStats>;
  /** Lets clients finish until the deadline; then everything is closed. */
  stop(deadlineMs: number): Promise<void>;
}

/** What serves, in one process or in several. */
interface Backend {
  readonly sink: TableSink;
  /** The entries in force, as they came. */
  entries(): TableUpdate['services'];
  listen(): Promise<Address>;
  stats(): Promise<ProxyStats>;
  stop(deadlineMs: number): Promise<void>;
}

/** Listens only once it has a table, where a feed or a table file gives one. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const onProblem = options.onProblem ?? (() => undefined);
  const workers = options.workers ?? 1;
  const backend = workers > 1 ? new Crew(options, workers, onProblem) : serveHere(options, onProblem);
  const { sink } = backend;
  const writer =
    options.snapshotFile === undefined ? null : new SnapshotWriter(options.snapshotFile, onProblem);
  const file =
    options.tableFile === undefined ? null : new TableFileWatcher(options.tableFile, sink, onProblem);
  const stop = async (deadlineMs: number): Promise<void> => {
    await file?.close();
    await backend.stop(deadlineMs);
    await writer?.flush();
  };
  try {
    await file?.start();
    await options.feed?.(sink, openSnapshots(options.snapshotFile, writer, backend));
    const address = await backend.listen();
    return { sink, addresses: [address], stats: () => backend.stats(), stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** Of an entry that was refused the former one is kept, as it is served. */
function openSnapshots(path: string | undefined, writer: SnapshotWriter | null, backend: Backend): Snapshots {
  return {
    read: async () => {
      const services = path === undefined ? null : await loadSnapshot(path);
      return services === null ? null : { version: 0, services };
    },
    write: ({ version }) => writer?.save({ version, services: backend.entries() }),
  };
}

export { SECONDS_BUCKETS };

function serveHere(options: ProxyOptions, onProblem: (problem: string) => void): Backend {
  const local = new LocalProxy(options, (error) => onProblem(describeBug(error)));
  return {
    sink: local.router,
    entries: () => local.router.entries(),
    listen: () => local.listen(),
    stats: async () => local.stats(),
    stop: (deadlineMs) => local.stop(deadlineMs),
  };
}

function describeBug(error: unknown): string {
  return `A request ended by an error of the proxy itself: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
