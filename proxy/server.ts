// The front of the data plane: starts it, in this process or in workers, with its snapshot and its table file, and ends
// it: for good, or in favour of another process. Whoever feeds it tables from elsewhere does so through `sink`.
import type { Server, Socket } from 'node:net';
import type { AccessRecord } from './access.ts';
import type { Patience } from './clients/listener.ts';
import type { TableSink, TableUpdate } from './control.ts';
import { type ProxyStats, SECONDS_BUCKETS } from './counters.ts';
import { loadSnapshot, SnapshotWriter } from './table/snapshot.ts';
import { TableFileWatcher } from './table/table-file.ts';
import type { Certificate } from './tls/certificate.ts';
import { CertificateFolder, type CertificateState } from './tls/certificate-folder.ts';
import type { CertificateNews } from './tls/certificate-pair.ts';
import { type Address, Door } from './workers/door.ts';
import { type LocalOptions, LocalProxy } from './workers/local.ts';
import { Crew } from './workers/worker.ts';

/** While stopping: how long kept-alive connections get to hear `Connection: close` with a last answer. */
const LINGER_MS = 1_000;
/** What is in hand when another process has taken over the port ends by itself, or by its idle timeout: nobody waits. */
const RETIRED_MS = 3_600_000;

/** Where connections are taken. */
export interface Entrance {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Called once there is a table: the socket of the process whose place this one takes, instead of host and port. */
  readonly inherit?: () => Promise<Server | null>;
}

export interface SecureEntrance extends Entrance {
  /** With the certificates: `NAME.crt` and `NAME.key`. */
  readonly folder: string;
  /** Told what has become of which certificate. */
  readonly onNews?: (news: CertificateNews) => void;
}

export interface ProxyOptions extends LocalOptions, Entrance {
  /** TLS beside it. */
  readonly https?: SecureEntrance;
  /** Processes that serve; 1, the default, serves in this one. */
  readonly workers?: number;
  /** Serve this table, and watch it. */
  readonly tableFile?: string;
  /** Whoever feeds it tables from elsewhere: called before anything listens, resolves once there is a first table. */
  readonly feed?: (sink: TableSink, snapshots: Snapshots) => Promise<void>;
  /** Where the table is kept for the next start. */
  readonly snapshotFile?: string;
  /** Told of each request that ended, where `accessShare` asks for it; from workers a moment later. */
  readonly onAccess?: (record: AccessRecord) => void;
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
  /** Of HTTP, then of https where there is one. */
  readonly addresses: readonly Address[];
  /** The listening sockets, in the same order, for the process that takes this one's place. */
  readonly sockets: readonly Server[];
  stats(): Promise<ProxyStats>;
  /** What there is of certificates, and what somebody should look after in a sentence, or null. */
  certificates(): { readonly states: readonly CertificateState[]; readonly trouble: string | null };
  /** Lets clients finish until the deadline; then everything is closed. */
  stop(deadlineMs: number): Promise<void>;
  /**
   * Another process serves the port: accepts no more. What is in hand is answered, with `Connection: close`; tunnels
   * and event streams end one by one within the window, connections without a request at its end.
   */
  retire(windowMs: number): Promise<void>;
}

/** What serves, in one process or in several. */
interface Backend {
  readonly sink: TableSink;
  /** The entries in force, as they came. */
  entries(): TableUpdate['services'];
  open(): Promise<void>;
  take(socket: Socket, isSecure: boolean): void;
  useCertificates(certificates: readonly Certificate[]): void;
  stats(): Promise<ProxyStats>;
  sayClose(): void;
  settle(ms: number): Promise<void>;
  drain(patience: Patience): Promise<void>;
}

/** Listens only once it has a table, where a feed or a table file gives one. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const onProblem = options.onProblem ?? (() => undefined);
  const workers = options.workers ?? 1;
  const backend =
    workers > 1 ? new Crew(options, workers, onProblem, options.onAccess) : serveHere(options, onProblem);
  const { sink } = backend;
  const writer =
    options.snapshotFile === undefined ? null : new SnapshotWriter(options.snapshotFile, onProblem);
  const file =
    options.tableFile === undefined ? null : new TableFileWatcher(options.tableFile, sink, onProblem);
  const folder = options.https === undefined ? null : openFolder(options.https, backend);
  const doors = [options, ...(options.https === undefined ? [] : [options.https])].map((entrance) => ({
    entrance,
    door: new Door((socket) => backend.take(socket, entrance === options.https), workers > 1),
  }));
  const closeDoors = (): void => {
    for (const { door } of doors) door.close();
  };
  const stop = async (deadlineMs: number): Promise<void> => {
    await Promise.all([file?.close(), folder?.close()]);
    backend.sayClose();
    await backend.settle(Math.min(LINGER_MS, deadlineMs / 2));
    closeDoors();
    await backend.drain({ streamsMs: deadlineMs, idleMs: 0, requestsMs: deadlineMs });
    await writer?.flush();
  };
  const retire = async (windowMs: number): Promise<void> => {
    closeDoors();
    backend.sayClose();
    await folder?.close();
    await backend.drain({ streamsMs: windowMs, idleMs: windowMs, requestsMs: RETIRED_MS });
  };
  try {
    await folder?.start();
    await file?.start();
    await options.feed?.(sink, openSnapshots(options.snapshotFile, writer, backend));
    await backend.open();
    const addresses: Address[] = [];
    for (const { door, entrance } of doors)
      addresses.push(await door.open(entrance, (await entrance.inherit?.()) ?? null));
    return {
      ...{ sink, addresses, stop, retire },
      sockets: doors.map(({ door }) => door.socket),
      stats: () => backend.stats(),
      certificates: () => ({ states: folder?.states() ?? [], trouble: folder?.trouble() ?? null }),
    };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

function openFolder({ folder, onNews }: SecureEntrance, backend: Backend): CertificateFolder {
  return new CertificateFolder(folder, {
    onChange: (certificates) => backend.useCertificates(certificates),
    onNews: onNews ?? (() => undefined),
  });
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

export { type AccessRecord, SECONDS_BUCKETS };

function serveHere(options: ProxyOptions, onProblem: (problem: string) => void): Backend {
  const onAccess = options.onAccess ?? (() => undefined);
  const onError = (error: unknown): void => onProblem(describeBug(error));
  const local = new LocalProxy(options, { onError, onAccess, ask: null });
  return {
    sink: local.router,
    entries: () => local.router.entries(),
    open: async () => undefined,
    take: (socket, isSecure) => void local.take(socket, isSecure),
    useCertificates: (certificates) => local.useCertificates(certificates),
    stats: async () => local.stats(),
    sayClose: () => local.sayClose(),
    settle: (ms) => local.settle(ms),
    drain: (patience) => local.drain(patience),
  };
}

function describeBug(error: unknown): string {
  return `A request ended by an error of the proxy itself: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
