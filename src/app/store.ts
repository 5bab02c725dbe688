// The daemon's way to etcd: the endpoints given, or an etcd of its own.
import { AuxiliaryContainers } from '../../deploy/docker-auxiliary.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import type { ServeConfig } from '../config.ts';
import { readEtcdOptions } from '../config-files.ts';
import { startEmbeddedEtcd } from '../store/embedded.ts';
import { openEtcd } from '../store/etcd.ts';
import type { Store } from '../store/port.ts';
import type { Log } from '../telemetry/log.ts';
import type { Releases } from './releases.ts';

export async function openDaemonStore(
  config: ServeConfig,
  log: Log,
  releases: Releases,
  signal: AbortSignal,
): Promise<Store> {
  const options = await readEtcdOptions(config);
  if (config.etcd === 'embedded') {
    const containers = openContainers(config, releases);
    const etcd = await startEmbeddedEtcd({ dataDir: config.dataDir, containers, signal });
    releases.add('embedded etcd', () => etcd.stop());
    log.info('embedded etcd', { endpoint: etcd.endpoint, origin: etcd.origin });
  }
  const store = openEtcd(options);
  releases.add('store', () => store.close());
  return store;
}

/** On an engine elsewhere neither the data's folder nor the port would be this machine's. */
function openContainers(config: ServeConfig, releases: Releases): AuxiliaryContainers | undefined {
  const endpoint = parseEndpoint(config.docker, process.env);
  if (endpoint.kind !== 'unix') return undefined;
  const containers = new AuxiliaryContainers({ endpoint });
  releases.add('engine of the embedded etcd', async () => containers.close());
  return containers;
}
