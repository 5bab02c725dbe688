// The embedded etcd as a container, where there is no etcd program: the official image, on the engine that the daemon
// uses. The data lies in our folder on this machine; the container itself is thrown away at every stop.
import { createHash } from 'node:crypto';
import { etcdArguments } from './embedded-process.ts';
import { StoreError } from './errors.ts';

export const ETCD_IMAGE = 'quay.io/coreos/etcd:v3.5.21';

/** One container of ours. */
export interface EtcdContainer {
  readonly name: string;
  readonly image: string;
  readonly version: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  readonly folder: { readonly source: string; readonly target: string };
  readonly port: { readonly host: number; readonly container: number };
}

/** The engine, as far as this needs it. Each call may be repeated. */
export interface ContainerHost {
  /** In the place of one of the same name. */
  run(container: EtcdContainer): Promise<void>;
  /** Gone already is success. */
  remove(name: string): Promise<void>;
  isRunning(name: string): Promise<boolean>;
}

/** One per data folder: the next run finds it by its name. */
export function nameContainer(folder: string): string {
  return `slipway-etcd-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}

/** `image` with its tag. */
export function describeContainer(image: string, endpoint: string, folder: string): EtcdContainer {
  const colon = image.lastIndexOf(':');
  return {
    name: nameContainer(folder),
    image: image.slice(0, colon),
    version: image.slice(colon + 1),
    entrypoint: ['etcd'],
    command: etcdArguments('http://0.0.0.0:2379', endpoint, 'http://127.0.0.1:2380', '/slipway/data'),
    user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
    folder: { source: folder, target: '/slipway' },
    port: { host: Number(new URL(endpoint).port), container: 2379 },
  };
}

/** Says what to do where the engine cannot help. */
export async function onHost<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    const next = 'install etcd (Debian: apt-get install etcd-server), or give --etcd';
    throw new StoreError('store-embedded-failed', `the engine cannot ${what}: ${words}; ${next}`, cause);
  }
}
