// Containers on the engine: list, start, stop, remove. Each call says what it wants true, so repeating one is harmless.
// INVARIANT: nothing here changes a container that does not carry our labels with this identity's prefix.
import type Docker from 'dockerode';
import type { ContainerState } from '../strategies/model.ts';
import { pause } from './deadline.ts';
import type { CallOptions, EngineClient } from './docker-client.ts';
import { buildCreateOptions } from './docker-create.ts';
import type { EngineNetwork } from './docker-network.ts';
import { parseState, toContainerState } from './docker-state.ts';
import { statusOf } from './engine-words.ts';
import { isMissing, RuntimeFailure } from './errors.ts';
import { LABELS, parseLabels } from './labels.ts';
import type { CreateRequest, Permit } from './runtime.ts';

const CREATE_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 60_000;
const REMOVE_TIMEOUT_MS = 60_000;
/** Beyond the grace, for SIGKILL and for unmounting. */
const STOP_MARGIN_MS = 20_000;

/** A request under way: what every step of it is given. */
interface Starting {
  readonly request: CreateRequest;
  readonly options: Docker.ContainerCreateOptions;
  readonly ensureImage: () => Promise<void>;
  readonly permit: Permit;
}

export class EngineContainers {
  readonly #client: EngineClient;
  readonly #network: EngineNetwork;

  constructor(client: EngineClient, network: EngineNetwork) {
    this.#client = client;
    this.#network = network;
  }

  async list(
    prefix: string,
    service?: string,
  ): Promise<readonly (ContainerState & { readonly service: string })[]> {
    const label = [
      `${LABELS.prefix}=${prefix}`,
      ...(service === undefined ? [] : [`${LABELS.service}=${service}`]),
    ];
    const call = { action: 'list', subject: service ?? prefix, safe: true };
    const found = await this.#client.call(call, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { label }, abortSignal }),
    );
    const reach = await this.#network.reach();
    const inspected = await Promise.all(found.map(({ Id }) => this.inspect(Id)));
    return inspected
      .flatMap((container) => {
        const labels = container === null ? null : parseLabels(container.Config.Labels);
        if (container === null || labels === null) return [];
        return [toContainerState(container, labels, this.#network.name, reach)];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Null when it is gone. */
  async inspect(idOrName: string): Promise<Docker.ContainerInspectInfo | null> {
    const call = { action: 'inspect', subject: idOrName.slice(0, 40), safe: true };
    return await this.#client
      .call(call, (docker, abortSignal) => docker.getContainer(idOrName).inspect({ abortSignal }))
      .catch(orNull);
  }

  /** `ensureImage` brings back an image that has gone since it was resolved. */
  async start(request: CreateRequest, permit: Permit, ensureImage: () => Promise<void>): Promise<void> {
    const { networks } = request.revision.settings.container;
    await this.#network.ensure(permit);
    await this.#network.requireAll(networks);
    const options = buildCreateOptions(request, this.#network.name, await this.#network.reach());
    const starting = { request, options, ensureImage, permit };
    const reusable = await this.#findReusable(starting);
    if (reusable === 'running') return;
    if (reusable === null) return await this.#begin(await this.#create(starting), starting);
    await this.#begin(reusable, starting).catch(async (error: unknown) => {
      // One that an engine has half forgotten, as when it died in the middle of a start, never starts again: the next try
      // makes another.
      if (statusOf(error instanceof RuntimeFailure ? error.cause : error) !== null && permit())
        await this.remove(reusable, permit);
      throw error;
    });
  }

  async #begin(id: string, { request, permit }: Starting): Promise<void> {
    for (const network of request.revision.settings.container.networks) {
      if (network !== this.#network.name) await this.#network.connect(id, network, permit);
    }
    await this.#start(id, request.name, permit);
  }

  /** The id of one that was created by an earlier, interrupted try; `running`; or null. */
  async #findReusable({ request, options, permit }: Starting): Promise<string | null> {
    const { name = '' } = options;
    const existing = await this.inspect(name);
    if (existing === null) return null;
    const labels = parseLabels(existing.Config.Labels);
    const { identity, revision } = request;
    const isOurs =
      labels !== null &&
      labels.prefix === identity.prefix &&
      labels.service === identity.service &&
      labels.revision === identity.revision &&
      labels.ordinal === identity.ordinal;
    if (!isOurs) throw foreignName(name);
    const isSame = labels.digest === revision.digest && labels.settings === revision.settingsHash;
    const state = parseState(existing);
    if (isSame && (state === 'running' || state === 'restarting')) return 'running';
    if (state !== 'created') {
      throw new RuntimeFailure(
        'name-conflict',
        `start ${request.name}: it exists (${state}) and must be removed first`,
      );
    }
    if (isSame) return existing.Id;
    await this.remove(existing.Id, permit);
    return null;
  }

  async #create({ request, options, ensureImage, permit }: Starting): Promise<string> {
    const call = { action: 'create', subject: request.name, timeoutMs: CREATE_TIMEOUT_MS, permit };
    const create = async () =>
      await this.#client.call(call, (docker, abortSignal) =>
        docker.createContainer({ ...options, abortSignal }),
      );
    const container = await create().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await ensureImage();
      return await create();
    });
    return container.id;
  }

  async #start(id: string, name: string, permit: Permit): Promise<void> {
    const call = { action: 'start', subject: name, timeoutMs: START_TIMEOUT_MS, permit };
    await this.#settle(call, [304], (docker, abortSignal) => docker.getContainer(id).start({ abortSignal }));
  }

  async stop(id: string, graceMs: number, permit: Permit): Promise<void> {
    const timeoutMs = graceMs + STOP_MARGIN_MS;
    const call = { action: 'stop', subject: id.slice(0, 12), timeoutMs, safe: true, permit };
    const t = Math.ceil(graceMs / 1000);
    await this.#settle(call, [304, 404], (docker, abortSignal) =>
      docker.getContainer(id).stop({ t, abortSignal }),
    );
  }

  async remove(id: string, permit: Permit): Promise<void> {
    const subject = id.slice(0, 12);
    const call = { action: 'remove', subject, timeoutMs: REMOVE_TIMEOUT_MS, safe: true, permit };
    await this.#settle(call, [404, 409], (docker, abortSignal) =>
      docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
    );
    await this.#awaitGone(id);
  }

  /** A removal that somebody else began is answered with 409 at once; it is over when inspect finds nothing. */
  async #awaitGone(id: string): Promise<void> {
    const deadline = AbortSignal.timeout(REMOVE_TIMEOUT_MS);
    while ((await this.inspect(id)) !== null) {
      if (deadline.aborted)
        throw new RuntimeFailure('timeout', `remove ${id.slice(0, 12)}: it is still there`);
      await pause(100, deadline);
    }
  }

  /** The statuses of `settled` mean that it is so already. */
  async #settle(
    call: CallOptions,
    settled: readonly number[],
    run: (docker: Docker, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    await this.#client.call(call, async (docker, signal) => {
      await run(docker, signal).catch((error: unknown) => {
        if (!settled.includes(statusOf(error) ?? 0)) throw error;
      });
    });
  }
}

function orNull(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

function foreignName(name: string): RuntimeFailure {
  return new RuntimeFailure(
    'name-conflict',
    `a container named ${name} exists and is not Slipway’s; rename or remove it`,
  );
}
