// `slipway proxy`: the data plane in a process of its own, fed from etcd or from a file, with its own admin server.
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TableSink } from '../../proxy/control.ts';
import { type RunningProxy, SECONDS_BUCKETS, type Snapshots, startProxy } from '../../proxy/server.ts';
import { startProxyAdmin } from '../admin/admin.ts';
import type { ProxyConfig } from '../config.ts';
import { readEtcdOptions } from '../config-files.ts';
import { linkProxy } from '../proxy-link/link.ts';
import { openEtcd } from '../store/etcd.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createProxyMetrics } from '../telemetry/metrics-proxy.ts';
import { readProgramVersion } from '../version.ts';
import { Releases } from './releases.ts';

/** How long clients may take to finish once the proxy is told to stop. */
const STOP_DEADLINE_MS = 30_000;
const EVERY_INTERFACE: readonly string[] = ['0.0.0.0', '::'];

/** The same for the proxy itself and for whoever looks for it. */
export function nameProxy(config: {
  readonly http: ProxyConfig['http'];
  readonly id?: string | null;
}): string {
  return config.id ?? `${hostname()}-${config.http.port}`;
}

/** Runs until the signal aborts; then clients may finish, and only after them the key in etcd goes. */
export async function startProxyProcess(config: ProxyConfig, signal: AbortSignal): Promise<void> {
  const releases = new Releases();
  const log = createLog(config.logLevel);
  const feed = config.table === null ? new EtcdFeed(config, log, releases) : null;
  try {
    const proxy = await startProxy({
      host: config.http.host ?? '::',
      port: config.http.port,
      workers: config.workers,
      onProblem: (problem) => log.warn('proxy', { problem }),
      ...(config.table === null ? {} : { tableFile: config.table }),
      ...(feed === null ? {} : { feed: (sink, snapshots) => feed.open(sink, snapshots) }),
      snapshotFile: config.snapshot ?? join(config.dataDir, `table-${nameProxy(config)}.json`),
    });
    releases.add('proxy', () => proxy.stop(STOP_DEADLINE_MS));
    await serveAdmin(config, proxy, log, releases);
    log.info('serving', { http: config.http.port, id: nameProxy(config) });
    await aborted(signal);
    log.info('stopping');
  } finally {
    await releases.close();
  }
}

/** Tables from etcd, acknowledgements back. */
class EtcdFeed {
  readonly #config: ProxyConfig;
  readonly #log: Log;
  readonly #releases: Releases;

  constructor(config: ProxyConfig, log: Log, releases: Releases) {
    this.#config = config;
    this.#log = log;
    this.#releases = releases;
  }

  async open(sink: TableSink, snapshots: Snapshots): Promise<void> {
    const config = this.#config;
    const store = openEtcd(await readEtcdOptions(config));
    this.#releases.add('store', () => store.close());
    const stop = new AbortController();
    const link = linkProxy({
      ...{ store, sink, prefix: config.prefix, id: nameProxy(config), signal: stop.signal },
      addresses: { http: formatAddress(config.http), admin: formatAddress(config.admin) },
      readSnapshot: () => snapshots.read(),
      writeSnapshot: async (update) => snapshots.write(update),
      onTrouble: (what, error, streak) => {
        if (streak === 1) this.#log.warn('etcd link', { what, error });
      },
    });
    this.#releases.add('registration', async () => {
      stop.abort();
      await link.ended;
    });
    await link.serving;
  }
}

async function serveAdmin(
  config: ProxyConfig,
  proxy: RunningProxy,
  log: Log,
  releases: Releases,
): Promise<void> {
  const numbers = () => proxy.stats();
  const metrics = createProxyMetrics({ version: readProgramVersion(), bounds: SECONDS_BUCKETS, numbers });
  const admin = await startProxyAdmin({
    host: config.admin.host ?? '0.0.0.0',
    port: config.admin.port,
    allowedHosts: [hostname()],
    // It has a table, or it would not have come so far; it serves that also while etcd is away.
    ready: () => ({ table: null }),
    metrics: () => metrics.render(),
    onError: (error) => log.error('admin server', { error }),
  });
  releases.add('admin server', () => admin.close());
}

/** As others reach it: by the name of this machine where it listens on every interface. */
function formatAddress({ host, port }: ProxyConfig['http']): string {
  const name = host === null || EVERY_INTERFACE.includes(host) ? hostname() : host;
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
