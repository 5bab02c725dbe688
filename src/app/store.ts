// The daemon's way to etcd: the endpoints given, or an etcd of its own.
import type { ServeConfig } from '../config.ts';
import { readEtcdOptions } from '../config-files.ts';
import { openEtcd } from '../store/etcd.ts';
import type { Store } from '../store/port.ts';
import type { Log } from '../telemetry/log.ts';
import type { Releases } from './releases.ts';

export async function openDaemonStore(config: ServeConfig, log: Log, releases: Releases): Promise<Store> {
  const store = openEtcd(await readEtcdOptions(config));
  releases.add('store', () => store.close());
  return store;
}
