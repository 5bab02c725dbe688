// The daemon's way to etcd: the endpoints given, or an etcd of its own.
import { AuxiliaryContainers } from '../../deploy/docker-auxiliary.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import type { ServeConfig } from '../config.ts';
import { readEtcdOptions } from '../config-files.ts';
import { type EmbeddedKeeper, keepEmbeddedEtcd } from '../store/embedded-keeper.ts';
import { openEtcd } from '../store/etcd.ts';
import type { Store } from '../store/port.ts';
import type { Log } from '../telemetry/log.ts';
import { aborted, pause } from './aborted.ts';
import type { Releases } from './releases.ts';

export interface DaemonStore {
  readonly store: Store;
  /** Why an etcd of our own does not run; null when it does, or when it is not ours. */
  readonly trouble: () => string | null;
}

/** An etcd of our own is up by then as a rule; if it is not, all else starts without it. */
const HEAD_START_MS = 2_000;

/** Throws when there is neither an etcd to be found nor one to be started. */
export async function openDaemonStore(
  config: ServeConfig,
  log: Log,
  releases: Releases,
  signal: AbortSignal,
): Promise<DaemonStore> {
  const options = await readEtcdOptions(config);
  const keeper = config.etcd === 'embedded' ? keepEtcd(config, log, openContainers(config, releases)) : null;
  if (keeper !== null) {
    releases.add('embedded etcd', () => keeper.stop());
    await Promise.race([keeper.started, pause(HEAD_START_MS, signal), aborted(signal)]);
  }
  const store = openEtcd(options);
  releases.add('store', () => store.close());
  return { store, trouble: () => keeper?.trouble() ?? null };
}

function keepEtcd(
  { dataDir }: ServeConfig,
  log: Log,
  containers: AuxiliaryContainers | undefined,
): EmbeddedKeeper {
  return keepEmbeddedEtcd({
    dataDir,
    containers,
    onServing: ({ endpoint, origin }) => log.info('embedded etcd', { endpoint, origin }),
    onTrouble: (error, streak) => {
      if (streak === 1) log.error('the embedded etcd does not run; starting it again', { error });
    },
  });
}

/** On an engine elsewhere neither the data's folder nor the port would be this machine's. */
function openContainers(config: ServeConfig, releases: Releases): AuxiliaryContainers | undefined {
  const endpoint = parseEndpoint(config.docker, process.env);
  if (endpoint.kind !== 'unix') return undefined;
  const containers = new AuxiliaryContainers({ endpoint });
  releases.add('engine of the embedded etcd', async () => containers.close());
  return containers;
}
