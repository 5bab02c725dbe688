// `slipway proxy`: the data plane in a process of its own, fed from etcd or from a file, with its own admin server. It
// takes the place of another one, and gives its own to another, without closing its port.
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TableSink } from '../../proxy/control.ts';
import {
  type ProxyOptions,
  type RunningProxy,
  SECONDS_BUCKETS,
  type Snapshots,
  startProxy,
} from '../../proxy/server.ts';
import { startProxyAdmin } from '../admin/admin.ts';
import type { AdminServer } from '../admin/server.ts';
import type { ProxyConfig } from '../config.ts';
import { readEtcdOptions } from '../config-files.ts';
import { linkProxy } from '../proxy-link/link.ts';
import type { BackgroundStream } from '../telemetry/background-stream.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { type LogStream, openLogStream } from '../telemetry/log-stream.ts';
import { createProxyMetrics, type ProxyNumbers } from '../telemetry/metrics-proxy.ts';
import { readProgramVersion } from '../version.ts';
import { aborted } from './aborted.ts';
import { composeAccess, composeEdge, openAccessStream } from './edge.ts';
import { namePidFile, removePid, writePid } from './pid-file.ts';
import { findPredecessor, type Predecessor, type SocketName } from './predecessor.ts';
import { nameGeneration, nameProxy } from './proxy-name.ts';
import { Releases } from './releases.ts';
import { HandOverRequests, raiseSuccessor } from './successor.ts';

const EVERY_INTERFACE: readonly string[] = ['0.0.0.0', '::'];

/** Of a proxy that does not serve yet. */
const NO_NUMBERS: ProxyNumbers = {
  ...{ tableVersion: 0, connections: 0, refused: {}, handshakeErrors: {}, unrouted: [] },
  ...{ services: {}, certificates: [] },
};

interface Parts {
  readonly config: ProxyConfig;
  readonly log: Log;
  readonly output: LogStream;
  readonly access: BackgroundStream | null;
  readonly releases: Releases;
  readonly predecessor: Predecessor | null;
  readonly signal: AbortSignal;
}

/**
 * Runs until the signal aborts, or a successor serves; then clients may finish, and only after them the key in etcd
 * goes.
 */
export async function startProxyProcess(config: ProxyConfig, signal: AbortSignal): Promise<void> {
  const requests = new HandOverRequests(process);
  const releases = new Releases();
  const output = openLogStream();
  const log = createLog(config.logLevel, output);
  const access = openAccessStream(config, releases);
  const predecessor = findPredecessor(process);
  const parts: Parts = { config, log, output, access, releases, predecessor, signal };
  try {
    releases.add('pid file', () => void removePid(namePidFile(config), process.pid));
    await runProxy(parts, requests);
  } catch (error) {
    // Told to stop before there was a table: nothing has gone wrong.
    if (!signal.aborted) throw error;
  } finally {
    log.info('stopping');
    await releases.close();
  }
}

async function runProxy(parts: Parts, requests: HandOverRequests): Promise<void> {
  const { config, log, predecessor, signal } = parts;
  let proxy: RunningProxy | null = null;
  const feed = config.table === null ? new EtcdFeed(parts) : null;
  const view: View = { find: () => proxy, trouble: () => feed?.trouble() ?? null };
  // Whoever is waited for says meanwhile why; a successor says nothing before it can serve.
  const early = predecessor === null ? await serveAdmin(parts, view) : null;
  proxy = await serveTraffic(parts, feed);
  const admin = early ?? (await serveAdmin(parts, view));
  claimPidFile(parts);
  predecessor?.tellServing();
  const ports = { http: config.http.port, ...(config.https === null ? {} : { https: config.https.port }) };
  log.info('serving', { ...ports, id: nameSelf(parts), pid: process.pid });
  const [http, https] = proxy.sockets;
  if (!(await untilSucceeded(parts, { http, https, admin: admin.socket }, requests))) return;
  admin.retire();
  await Promise.race([proxy.retire(config.drain), aborted(signal)]);
}

/** What the admin server shows. */
interface View {
  /** Null until it serves. */
  readonly find: () => RunningProxy | null;
  readonly trouble: () => string | null;
}

async function serveTraffic(parts: Parts, feed: EtcdFeed | null): Promise<RunningProxy> {
  const { config, log, releases } = parts;
  const proxy = await startProxy({
    host: config.http.host ?? '::',
    port: config.http.port,
    inherit: inherit(parts, 'http'),
    workers: config.workers,
    ...composeEdge(config),
    ...composeAccess(config, parts.access),
    ...composeSecure(parts),
    onProblem: (problem) => log.warn('proxy', { problem }),
    ...(config.table === null ? {} : { tableFile: config.table }),
    ...(feed === null ? {} : { feed: (sink, snapshots) => feed.open(sink, snapshots) }),
    snapshotFile: config.snapshot ?? join(config.dataDir, `table-${nameProxy(config)}.json`),
  });
  releases.add('proxy', () => proxy.stop(config.drain));
  return proxy;
}

/** Nothing where no https is asked for. */
function composeSecure(parts: Parts): Pick<ProxyOptions, 'https' | 'secure'> {
  const { https, tlsDir, httpsRedirect, hsts } = parts.config;
  if (https === null || tlsDir === null) return {};
  return {
    https: {
      ...{ host: https.host ?? '::', port: https.port, folder: tlsDir },
      inherit: inherit(parts, 'https'),
      onNews: ({ level, message }) => parts.log[level]('certificate', { what: message }),
    },
    secure: { redirectPort: httpsRedirect ? https.port : null, hstsSeconds: hsts },
  };
}

/** Tables from etcd, acknowledgements back. */
class EtcdFeed {
  readonly #parts: Parts;
  trouble: () => string | null = () => null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rejects when the signal comes before there is a table. */
  async open(sink: TableSink, snapshots: Snapshots): Promise<void> {
    const { config, log, releases, signal } = this.#parts;
    // With a table file there is no etcd, and what it needs of memory neither.
    const { openEtcd } = await import('../store/etcd.ts');
    const store = openEtcd(await readEtcdOptions(config));
    releases.add('store', () => store.close());
    const stop = new AbortController();
    const link = linkProxy({
      ...{ store, sink, prefix: config.prefix, id: nameSelf(this.#parts), signal: stop.signal },
      version: readProgramVersion(),
      addresses: {
        http: formatAddress(config.http),
        ...(config.https === null ? {} : { https: formatAddress(config.https) }),
        admin: formatAddress(config.admin),
      },
      readSnapshot: () => snapshots.read(),
      writeSnapshot: async (update) => snapshots.write(update),
      onTrouble: (what, error, streak) => {
        if (streak === 1) log.warn('etcd link', { what, error });
      },
    });
    releases.add('registration', async () => {
      stop.abort();
      await link.ended;
    });
    this.trouble = link.trouble;
    await Promise.race([link.serving, aborted(signal)]);
    signal.throwIfAborted();
  }
}

async function serveAdmin(parts: Parts, { find, trouble }: View): Promise<AdminServer> {
  const { config, log, output, access, releases } = parts;
  const numbers = () => readNumbers(find());
  const metrics = createProxyMetrics({ version: readProgramVersion(), bounds: SECONDS_BUCKETS, numbers });
  const admin = await startProxyAdmin({
    host: config.admin.host ?? '0.0.0.0',
    port: config.admin.port,
    inherit: inherit(parts, 'admin'),
    allowedHosts: [hostname()],
    // With a table it serves, also while etcd is away.
    ready: () => ({ table: find() === null ? describeNoTable(config) : null }),
    warnings: () => ({
      log: output.trouble(),
      accessLog: access?.trouble() ?? null,
      routes: trouble(),
      certificates: find()?.certificates().trouble ?? null,
    }),
    metrics: () => metrics.render(),
    onError: (error) => log.error('admin server', { error }),
  });
  releases.add('admin server', () => admin.close());
  return admin;
}

async function readNumbers(proxy: RunningProxy | null): Promise<ProxyNumbers> {
  if (proxy === null) return NO_NUMBERS;
  return { ...(await proxy.stats()), certificates: proxy.certificates().states };
}

function describeNoTable({ table }: ProxyConfig): string {
  return table === null
    ? 'no table yet: etcd has not answered, and there is no snapshot'
    : 'no table yet: the file is read';
}

/** True when another one serves in this one's place. */
async function untilSucceeded(
  { config, log, predecessor, signal }: Parts,
  sockets: Parameters<typeof raiseSuccessor>[0]['sockets'],
  requests: HandOverRequests,
): Promise<boolean> {
  while (await requests.next(signal)) {
    log.info('handing over');
    try {
      const pid = await raiseSuccessor({ sockets, generation: predecessor?.generation ?? 1, signal });
      log.info('handed over; what is in hand is answered', { pid, drain: config.drain });
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error('nobody took over; serving on', { why });
    }
    requests.forget();
  }
  return false;
}

function claimPidFile({ config, log }: Parts): void {
  const path = namePidFile(config);
  try {
    writePid(path, process.pid);
  } catch (error) {
    log.warn('the pid file could not be written', { path, error });
  }
}

function inherit({ predecessor }: Parts, socket: SocketName) {
  return async () => (await predecessor?.inherit(socket)) ?? null;
}

function nameSelf({ config, predecessor }: Parts): string {
  return nameGeneration(nameProxy(config), predecessor?.generation ?? 1);
}

/** As others reach it: by the name of this machine where it listens on every interface. */
function formatAddress({ host, port }: ProxyConfig['http']): string {
  const name = host === null || EVERY_INTERFACE.includes(host) ? hostname() : host;
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}
