// One data plane in this process: a table, a listener, and their end. What `--workers 1` is, and what each worker runs.
import { BlockList, isIP } from 'node:net';
import type { ProxyStats } from './counters.ts';
import { ProxyFailure } from './failure.ts';
import { Listener, type ListenOptions } from './listener.ts';
import { DataPlane } from './plane.ts';
import { Router } from './router.ts';

export interface LocalOptions extends ListenOptions {
  /** Addresses or networks (`10.0.0.0/8`) of proxies before us whose word on the client is taken. */
  readonly trusted?: readonly string[];
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class LocalProxy {
  readonly router = new Router();
  readonly #listener: Listener;
  readonly #plane: DataPlane;
  readonly #options: LocalOptions;

  constructor(options: LocalOptions, onError: (error: unknown) => void) {
    this.#options = options;
    this.#plane = new DataPlane(this.router, parseTrusted(options.trusted ?? []), onError);
    this.#listener = new Listener(this.#plane, options);
  }

  async listen(): Promise<Address> {
    const { host, port } = this.#options;
    try {
      const { address, port: chosen } = await this.#listener.listen(this.#options);
      return { host: address, port: chosen };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ProxyFailure(
        'listen-failed',
        `Cannot listen on ${host}:${port} (${why}); choose another address.`,
        { cause },
      );
    }
  }

  stats(): ProxyStats {
    return this.#plane.stats(this.#listener.connections);
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#listener.stop(deadlineMs);
  }
}

function parseTrusted(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix);
    const valid =
      isIP(address) !== 0 && Number.isInteger(bits) && bits >= 0 && bits <= (family === 'ipv6' ? 128 : 32);
    if (!valid)
      throw new ProxyFailure(
        'trusted-invalid',
        `Trusted peer ${network}: expected an address or a network such as 10.0.0.0/8.`,
      );
    list.addSubnet(address, bits, family);
  }
  return list;
}
