// The `ContainerRuntime` on a Docker-compatible engine: puts the parts together and enforces the policy in `start`.
import type { ContainerSettings } from '../strategies/model.ts';
import { ask } from './docker-ask.ts';
import { type CallObserver, EngineClient } from './docker-client.ts';
import { EngineContainers } from './docker-containers.ts';
import type { Reach } from './docker-create.ts';
import { watchEvents } from './docker-events.ts';
import { EngineExec } from './docker-exec.ts';
import { EngineImages } from './docker-images.ts';
import { EngineLogs } from './docker-logs.ts';
import { DEFAULT_NETWORK, EngineNetwork } from './docker-network.ts';
import { type EngineEndpoint, parseEndpoint } from './endpoint.ts';
import { RuntimeFailure } from './errors.ts';
import { CLOSED_POLICY, describeRefusal, type PolicyOptions } from './policy.ts';
import { reviewContainer } from './policy-review.ts';
import { configDirectory } from './registry-auth.ts';
import { isReferenceOf } from './repository.ts';
import type {
  ContainerRuntime,
  CreateRequest,
  EngineInfo,
  LogLine,
  LogOptions,
  Permit,
  PullRequest,
  RuntimeEvent,
} from './runtime.ts';

export interface DockerOptions {
  readonly endpoint: EngineEndpoint;
  readonly policy?: PolicyOptions;
  /** How containers are reached; `auto` finds out. */
  readonly reach?: Reach | 'auto';
  readonly network?: string;
  /** Where Docker's config.json is, for registry credentials. */
  readonly configDirectory?: string;
  readonly minFreeBytes?: number;
  readonly controlTimeoutMs?: number;
  readonly pullIdleTimeoutMs?: number;
  readonly onCall?: CallObserver;
  /** What an operator should know of this engine, once each. */
  readonly onNotice?: (message: string) => void;
  /** One for each operation that changes something, asked before each of its calls; without it everything is allowed. */
  readonly takePermit?: () => Permit;
}

const MIN_FREE_BYTES = 500e6;
const PULL_IDLE_TIMEOUT_MS = 180_000;
const MAX_REMEMBERED = 1000;

export class DockerRuntime implements ContainerRuntime {
  readonly #client: EngineClient;
  readonly #network: EngineNetwork;
  readonly #containers: EngineContainers;
  readonly #images: EngineImages;
  readonly #logs: EngineLogs;
  readonly #exec: EngineExec;
  readonly #policy: PolicyOptions;
  readonly #takePermit: () => Permit;
  /** A container's never changes. */
  readonly #healthchecks = new Map<string, readonly string[] | null>();

  constructor(options: DockerOptions) {
    const socket = options.endpoint.kind === 'unix' ? options.endpoint.path : undefined;
    this.#policy = { ...(options.policy ?? CLOSED_POLICY), socket };
    this.#takePermit = options.takePermit ?? (() => () => true);
    this.#client = new EngineClient(options);
    this.#network = new EngineNetwork(
      this.#client,
      options.network ?? DEFAULT_NETWORK,
      options.reach ?? 'auto',
    );
    this.#containers = new EngineContainers(this.#client, this.#network);
    this.#images = new EngineImages(this.#client, {
      registries: this.#policy.registries,
      configDirectory: options.configDirectory ?? configDirectory(process.env),
      minFreeBytes: options.minFreeBytes ?? MIN_FREE_BYTES,
      idleTimeoutMs: options.pullIdleTimeoutMs ?? PULL_IDLE_TIMEOUT_MS,
      onNotice: options.onNotice ?? (() => undefined),
    });
    this.#logs = new EngineLogs(this.#client, this.#containers);
    this.#exec = new EngineExec(this.#client);
  }

  async info(signal?: AbortSignal): Promise<EngineInfo> {
    const { apiVersion, engine, isPodman } = await this.#client.session();
    // With a permit it goes out on a connection of its own.
    const call = { action: 'info', subject: 'engine', safe: true, signal, permit: () => true };
    const info: unknown = await this.#client.call(call, (docker, abortSignal) =>
      ask(docker, '/info', abortSignal),
    );
    const { DockerRootDir = '/' }: { DockerRootDir?: string } = info ?? {};
    return {
      name: isPodman ? 'podman' : 'docker',
      version: engine,
      apiVersion,
      rootDirectory: DockerRootDir,
    };
  }

  async list(prefix: string, service?: string) {
    return await this.#containers.list(prefix, service);
  }

  async resolveImage(request: PullRequest) {
    return await this.#images.resolve(request, this.#takePermit());
  }

  async requireNetworks(networks: readonly string[]): Promise<void> {
    await this.#network.requireAll(networks);
  }

  async start(request: CreateRequest): Promise<void> {
    const permit = this.#takePermit();
    const { image, reference } = request.revision;
    await this.#enforcePolicy(request);
    await this.#containers.start(request, permit, () => this.#images.restore(image, reference, permit));
  }

  async stop(id: string, graceMs: number): Promise<void> {
    await this.#containers.stop(id, graceMs, this.#takePermit());
  }

  async remove(id: string): Promise<void> {
    await this.#containers.remove(id, this.#takePermit());
    this.#healthchecks.delete(id);
  }

  async tailLog(id: string, lines: number): Promise<readonly string[]> {
    return await this.#logs.tail(id, lines);
  }

  streamLog(id: string, options: LogOptions): AsyncIterable<LogLine> {
    return this.#logs.stream(id, options);
  }

  async exec(id: string, command: readonly string[], timeoutMs: number) {
    return await this.#exec.run(id, command, timeoutMs, this.#takePermit());
  }

  /** We never set a healthcheck of our own, so a container's is its image's; `NONE` where the spec has another. */
  async imageHealthcheck(id: string): Promise<readonly string[] | null> {
    const known = this.#healthchecks.get(id);
    if (known !== undefined) return known;
    const container = await this.#containers.inspect(id);
    if (container === null)
      throw new RuntimeFailure('missing', `container ${id.slice(0, 12)} does not exist`);
    const test = container.Config.Healthcheck?.Test ?? [];
    const answer = test.length === 0 ? null : test;
    if (this.#healthchecks.size >= MAX_REMEMBERED) this.#healthchecks.clear();
    this.#healthchecks.set(id, answer);
    return answer;
  }

  async pruneImages(image: string, keep: readonly string[], drop: readonly string[]): Promise<void> {
    await this.#images.prune(image, keep, drop, this.#takePermit());
  }

  async events(prefix: string, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    await watchEvents(this.#client, prefix, listener, signal);
  }

  close(): void {
    this.#client.close();
  }

  /** What the policy refuses of a spec, a line each. */
  async review(image: string, container: ContainerSettings): Promise<readonly string[]> {
    return (await reviewContainer(image, container, this.#policy)).map(describeRefusal);
  }

  async #enforcePolicy({ name, revision }: CreateRequest): Promise<void> {
    const refusals = await this.review(revision.image, revision.settings.container);
    if (refusals.length > 0)
      throw new RuntimeFailure('policy-refused', `start ${name}: ${refusals.join('; ')}`);
    if (!isReferenceOf(revision.image, revision.reference)) {
      throw new RuntimeFailure(
        'policy-refused',
        `start ${name}: ${revision.reference} is not pinned to ${revision.image}`,
      );
    }
  }
}

/** From the `--docker` flag; without an address from DOCKER_HOST, else the local socket. Connects at the first call. */
export function openDocker({
  address,
  ...options
}: Omit<DockerOptions, 'endpoint'> & { readonly address?: string | undefined }): DockerRuntime {
  return new DockerRuntime({ ...options, endpoint: parseEndpoint(address, process.env) });
}
