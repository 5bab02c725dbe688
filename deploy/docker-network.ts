// The network that proxies and containers share, and how we reach a container on it. The only network that we create;
// one that a spec names must exist.
import { hostname } from 'node:os';
import type Docker from 'dockerode';
import { ask } from './docker-ask.ts';
import type { EngineClient } from './docker-client.ts';
import type { Reach } from './docker-create.ts';
import { statusOf } from './engine-words.ts';
import { isMissing, RuntimeFailure } from './errors.ts';
import { LABELS } from './labels.ts';
import type { Permit } from './runtime.ts';

export const DEFAULT_NETWORK = 'slipway';

export class EngineNetwork {
  readonly name: string;
  readonly #client: EngineClient;
  readonly #wanted: Reach | 'auto';
  /** What the engine calls the container that we are, if we are one. */
  readonly #self: string;
  #reach: Promise<Reach> | null = null;
  #ensuring: Promise<void> | null = null;

  constructor(client: EngineClient, name: string, reach: Reach | 'auto', self = hostname()) {
    this.#client = client;
    this.name = name;
    this.#wanted = reach;
    this.#self = self;
  }

  /**
   * Creates it when it is missing. Engines before 25 let two creators at once have one each, and then take the name for
   * none of them: so there is one at a time here, and of several that other controllers brought about one is kept.
   */
  async ensure(permit: Permit): Promise<void> {
    this.#ensuring ??= this.#ensure(permit).finally(() => {
      this.#ensuring = null;
    });
    await this.#ensuring;
  }

  async #ensure(permit: Permit): Promise<void> {
    let found = await this.#list();
    if (found.length === 0) {
      await this.#create(permit);
      found = await this.#list();
    }
    for (const { Id } of listSuperfluous(found)) await this.#remove(Id, permit);
  }

  async #create(permit: Permit): Promise<void> {
    const options = {
      Name: this.name,
      CheckDuplicate: true,
      Driver: 'bridge',
      Labels: { [LABELS.network]: 'true' },
    };
    await this.#client
      .call({ action: 'create-network', subject: this.name, permit }, (docker, abortSignal) =>
        docker.createNetwork({ ...options, abortSignal }),
      )
      .catch(async (error: unknown) => {
        if ((await this.#list()).length === 0) throw error;
      });
  }

  async #list(): Promise<readonly Docker.NetworkInspectInfo[]> {
    const call = { action: 'list-networks', subject: this.name, safe: true };
    const similar = await this.#client.call(call, (docker, abortSignal) =>
      docker.listNetworks({ filters: { name: [this.name] }, abortSignal }),
    );
    return similar.filter(({ Name }) => Name === this.name);
  }

  /** The engine keeps one that is in use; somebody else may have removed it already. */
  async #remove(id: string, permit: Permit): Promise<void> {
    const call = { action: 'remove-network', subject: id.slice(0, 12), safe: true, permit };
    await this.#client
      .call(call, (docker, abortSignal) => docker.getNetwork(id).remove({ abortSignal }))
      .catch((error: unknown) => {
        if (!(error instanceof RuntimeFailure && [403, 404].includes(statusOf(error.cause) ?? 0)))
          throw error;
      });
  }

  /** Joins a network that the spec names; joined already is success. */
  async connect(containerId: string, network: string, permit: Permit): Promise<void> {
    const call = { action: 'connect-network', subject: network, timeoutMs: 30_000, permit };
    await this.#client
      .call(call, (docker, abortSignal) => {
        const options = { Container: containerId, abortSignal };
        return docker.getNetwork(network).connect(options);
      })
      .catch((error: unknown) => {
        if (isJoinedAlready(error)) return;
        if (isMissing(error)) throw missingNetwork(network, error);
        throw error;
      });
  }

  /**
   * Throws before anything is created: `network-missing`, `policy-refused` for the host's under another name, or
   * `invalid-request` for a name that several have.
   */
  async requireAll(networks: readonly string[]): Promise<void> {
    for (const network of networks) {
      const found = await this.#inspect(network).catch((error: unknown) => {
        throw network === this.name ? error : refuseAmbiguous(network, error);
      });
      if (found === null) throw missingNetwork(network, undefined);
      if (['host', 'null'].includes(found.Driver))
        throw new RuntimeFailure(
          'policy-refused',
          `networks: network ${network} is ${found.Name}, which leaves the container’s own`,
        );
    }
  }

  async reach(): Promise<Reach> {
    if (this.#wanted !== 'auto') return this.#wanted;
    this.#reach ??= this.#detectReach();
    const reach = this.#reach;
    return await reach.catch((error: unknown) => {
      if (this.#reach === reach) this.#reach = null;
      throw error;
    });
  }

  /**
   * Container addresses route from here when we are a container on the network ourselves, wherever the engine is; or when
   * it runs in this very kernel's network. Not so with a rootless engine, or one in a virtual machine.
   */
  async #detectReach(): Promise<Reach> {
    if (await this.#isMember()) return 'direct';
    if (this.#client.endpoint.kind === 'tcp' || process.platform !== 'linux') return 'loopback';
    const call = { action: 'info', subject: 'engine', safe: true };
    const info: unknown = await this.#client.call(call, (docker, abortSignal) =>
      ask(docker, '/info', abortSignal),
    );
    const words = JSON.stringify(info);
    return /Docker Desktop|name=rootless|"rootless":true/.test(words) ? 'loopback' : 'direct';
  }

  async #isMember(): Promise<boolean> {
    if (!/^[0-9a-f]{12,64}$/.test(this.#self)) return false;
    const network = await this.#inspect(this.name);
    return Object.keys(network?.Containers ?? {}).some((id) => id.startsWith(this.#self));
  }

  async #inspect(network: string): Promise<Docker.NetworkInspectInfo | null> {
    const call = { action: 'inspect-network', subject: network, safe: true };
    return await this.#client
      .call(call, async (docker, abortSignal) => {
        const reply = await ask(docker, `/networks/${network}`, abortSignal);
        return reply as Docker.NetworkInspectInfo;
      })
      .catch((error: unknown) => {
        if (isMissing(error) || (error instanceof RuntimeFailure && error.code === 'network-missing'))
          return null;
        throw error;
      });
  }
}

/** Ours, but for the oldest of all: that one is in use, if any is. */
function listSuperfluous(found: readonly Docker.NetworkInspectInfo[]): readonly Docker.NetworkInspectInfo[] {
  const age = ({ Created, Id }: Docker.NetworkInspectInfo) => `${Created} ${Id}`;
  const [, ...later] = [...found].sort((a, b) => (age(a) < age(b) ? -1 : 1));
  return later.filter(({ Labels }) => Labels?.[LABELS.network] === 'true');
}

function isJoinedAlready(error: unknown): boolean {
  return (
    error instanceof RuntimeFailure &&
    /already exists in network|already attached|is already connected/i.test(error.message) &&
    statusOf(error.cause) !== 404
  );
}

/** Of ours one is taken away again; which of the others is meant, only their owner knows. */
function refuseAmbiguous(network: string, error: unknown): unknown {
  if (!(error instanceof RuntimeFailure) || !/is ambiguous/.test(error.message)) return error;
  const problem = `network ${network} is there more than once; remove or rename all but one`;
  return new RuntimeFailure('invalid-request', problem, { cause: error });
}

function missingNetwork(network: string, cause: unknown): RuntimeFailure {
  return new RuntimeFailure(
    'network-missing',
    `network ${network} does not exist; create it or take it out of the spec`,
    {
      cause,
    },
  );
}
