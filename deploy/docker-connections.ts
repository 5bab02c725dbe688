// The sockets to one engine: a pool for short calls, single ones for what takes long, and one of its own for a call that a
// guard watches. Knows the endpoint, nothing of the API.
import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Docker from 'dockerode';
import type { EngineEndpoint } from './endpoint.ts';

const POOLED = { keepAlive: true, maxSockets: 16 } as const;

export class EngineConnections {
  readonly #endpoint: EngineEndpoint;
  /** Longest that a call on a pooled socket takes. */
  readonly #longestMs: number;
  readonly #retired = new Map<HttpAgent, NodeJS.Timeout>();
  #pooled: HttpAgent;
  readonly #single: HttpAgent;

  constructor(endpoint: EngineEndpoint, longestMs: number) {
    this.#endpoint = endpoint;
    this.#longestMs = longestMs;
    this.#pooled = this.open(POOLED);
    this.#single = this.open();
  }

  get pooled(): HttpAgent {
    return this.#pooled;
  }

  get single(): HttpAgent {
    return this.#single;
  }

  open(options: AgentOptions = {}): HttpAgent {
    const isSecure = this.#endpoint.kind === 'tcp' && this.#endpoint.tls !== null;
    return isSecure ? new HttpsAgent(options) : new HttpAgent(options);
  }

  connect(agent: HttpAgent, apiVersion: string | undefined): Docker {
    const common = { agent, version: apiVersion === undefined ? undefined : `v${apiVersion}` };
    if (this.#endpoint.kind === 'unix') {
      const local = {
        ...common,
        socketPath: this.#endpoint.path,
        host: undefined,
        protocol: 'http' as const,
      };
      return new Docker(local);
    }
    const { host, port, tls } = this.#endpoint;
    const plain = { ...common, host, port, protocol: 'http' as const };
    const secure = { ...plain, ...tls, protocol: 'https' as const };
    return new Docker(tls === null ? plain : secure);
  }

  /**
   * After a call on `pool` had no answer in time: its socket may be dead without a sign, dockerode cannot take every call
   * back, and 16 such calls would leave no socket. What else is under way on it may end first.
   */
  replace(pool: HttpAgent): void {
    if (pool !== this.#pooled) return;
    this.#pooled = this.open(POOLED);
    const end = () => {
      this.#retired.delete(pool);
      pool.destroy();
    };
    this.#retired.set(pool, setTimeout(end, this.#longestMs).unref());
  }

  close(): void {
    for (const [pool, timer] of this.#retired) {
      clearTimeout(timer);
      pool.destroy();
    }
    this.#retired.clear();
    this.#pooled.destroy();
    this.#single.destroy();
  }
}
