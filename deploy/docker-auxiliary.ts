// A container of Slipway's own beside its replicas, such as its etcd: one of a name, found again by it, thrown away at
// every stop. Only on an engine of this machine: its port and its folder are here.
import type Docker from 'dockerode';
import { type ClientOptions, EngineClient } from './docker-client.ts';
import { EngineContainers } from './docker-containers.ts';
import { EngineImages } from './docker-images.ts';
import { DEFAULT_NETWORK, EngineNetwork } from './docker-network.ts';
import { RuntimeFailure } from './errors.ts';
import { configDirectory } from './registry-auth.ts';
import type { Permit } from './runtime.ts';

export interface AuxiliaryRequest {
  readonly name: string;
  /** Repository and tag. */
  readonly image: string;
  readonly version: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  /** A folder of this machine, and where it is in the container. */
  readonly folder: { readonly source: string; readonly target: string };
  /** Published on the loopback interface alone. */
  readonly port: { readonly host: number; readonly container: number };
}

/** Whose it is: what has the name and not the label is somebody else's. */
const LABEL = 'slipway.embedded';
const GRACE_MS = 5_000;
const PULL_TIMEOUT_MS = 180_000;
const MIN_FREE_BYTES = 500e6;
const allowed: Permit = () => true;

export class AuxiliaryContainers {
  readonly #client: EngineClient;
  readonly #containers: EngineContainers;
  readonly #images: EngineImages;

  constructor(options: ClientOptions) {
    this.#client = new EngineClient(options);
    const network = new EngineNetwork(this.#client, DEFAULT_NETWORK, 'loopback');
    this.#containers = new EngineContainers(this.#client, network);
    this.#images = new EngineImages(this.#client, {
      registries: null,
      configDirectory: configDirectory(process.env),
      minFreeBytes: MIN_FREE_BYTES,
      idleTimeoutMs: PULL_TIMEOUT_MS,
      onNotice: () => undefined,
    });
  }

  /** In the place of one of the same name; pulls the image when it is missing. */
  async run(request: AuxiliaryRequest): Promise<void> {
    const { name, image, version } = request;
    await this.remove(name);
    const signal = AbortSignal.timeout(PULL_TIMEOUT_MS);
    const wanted = { image, version, policy: 'missing', onProgress: () => undefined, signal } as const;
    const { reference } = await this.#images.resolve(wanted, allowed);
    const call = { subject: name, timeoutMs: 60_000, permit: allowed };
    const created = await this.#client.call({ ...call, action: 'create' }, (docker, abortSignal) =>
      docker.createContainer({ ...describeAuxiliary(request, reference), abortSignal }),
    );
    await this.#client.call({ ...call, action: 'start' }, (docker, abortSignal) =>
      docker.getContainer(created.id).start({ abortSignal }),
    );
  }

  /** SIGTERM, grace, SIGKILL; gone already is success. */
  async remove(name: string): Promise<void> {
    const found = await this.#find(name);
    if (found === null) return;
    await this.#containers.stop(found.Id, GRACE_MS, allowed);
    await this.#containers.remove(found.Id, allowed);
  }

  async isRunning(name: string): Promise<boolean> {
    return (await this.#find(name))?.State.Running === true;
  }

  close(): void {
    this.#client.close();
  }

  async #find(name: string): Promise<Docker.ContainerInspectInfo | null> {
    const found = await this.#containers.inspect(name);
    if (found !== null && found.Config.Labels?.[LABEL] === undefined)
      throw new RuntimeFailure('name-conflict', `a container named ${name} exists and is not Slipway’s`);
    return found;
  }
}

function describeAuxiliary(
  { name, entrypoint, command, user, folder, port }: AuxiliaryRequest,
  reference: string,
): Docker.ContainerCreateOptions {
  const inside = `${port.container}/tcp`;
  return {
    name,
    Image: reference,
    Entrypoint: [...entrypoint],
    Cmd: [...command],
    User: user,
    Labels: { [LABEL]: 'etcd' },
    ExposedPorts: { [inside]: {} },
    HostConfig: {
      PortBindings: { [inside]: [{ HostIp: '127.0.0.1', HostPort: String(port.host) }] },
      Mounts: [{ Type: 'bind', Source: folder.source, Target: folder.target }],
    },
  };
}
