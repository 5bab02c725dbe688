// What every side of the daemon shares: the copy of the keys, the leadership, metrics and events, connected to a store
// that may be away.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { ServeConfig } from '../config.ts';
import { campaign, type Leader } from '../controller/leader.ts';
import { StoreError } from '../store/errors.ts';
import { buildKeys, type Keys } from '../store/keys.ts';
import { type Mirror, startMirror } from '../store/mirror.ts';
import type { Store } from '../store/port.ts';
import { type WriteHealth, watchWrites } from '../store/write-health.ts';
import { createEventBus, type EventBus } from '../telemetry/events.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { readProgramVersion } from '../version.ts';
import type { Releases } from './releases.ts';

export interface Parts {
  readonly config: ServeConfig;
  readonly log: Log;
  readonly store: Store;
  readonly writes: WriteHealth;
  readonly keys: Keys;
  readonly mirror: Mirror;
  readonly leader: Leader;
  readonly metrics: Metrics;
  readonly events: EventBus;
  readonly stop: AbortSignal;
}

export function connectParts(
  config: ServeConfig,
  log: Log,
  bare: Store,
  stop: AbortSignal,
  releases: Releases,
): Parts {
  const keys = buildKeys(config.prefix);
  const metrics = createMetrics(readProgramVersion());
  const events = createEventBus(Date.now);
  const writes = watchWrites({ store: bare, key: keys.leader, signal: stop });
  const { store } = writes;
  const mirror = startMirror({
    store,
    prefix: keys.root,
    formerBelow: keys.proxies,
    signal: stop,
    onTrouble: warnOfTrouble(log),
  });
  const measure = () => metrics.setStoreConnected(mirror.connected && writes.trouble() === null);
  mirror.onConnection((connected) => {
    measure();
    events.emit({ kind: connected ? 'store-connected' : 'store-lost' });
  });
  writes.onChange((trouble) => {
    measure();
    if (trouble === null) log.info('etcd takes writes again');
    else log.error('etcd refuses writes', { why: trouble });
  });
  const holder = {
    id: `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    host: hostname(),
    pid: process.pid,
  };
  const resign = new AbortController();
  const leader = campaign({
    ...{ store, mirror, key: keys.leader, holder, ttlMs: config.leaderTtl },
    signal: resign.signal,
    onTrouble: (error) => log.warn('cannot campaign for leadership', { error }),
  });
  releases.add('leadership', async () => {
    resign.abort();
    await leader.ended;
  });
  return { config, log, store, writes, keys, mirror, leader, metrics, events, stop };
}

/** Once per streak, and again when it is another trouble. */
function warnOfTrouble(log: Log): (error: unknown, streak: number) => void {
  let wasRestored = false;
  return (error, streak) => {
    const isRestored = error instanceof StoreError && error.code === 'store-restored';
    if (isRestored && !wasRestored) log.error('etcd answers with an older history', { error });
    else if (!isRestored && streak === 1) log.warn('etcd does not answer', { error });
    wasRestored = isRestored;
  };
}
