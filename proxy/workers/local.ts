// One data plane in this process: a table, the clients' connections, and their end. What `--workers 1` is, and what each
// worker runs.
import { BlockList, isIP, type Socket } from 'node:net';
import { type Limits, Listener, type Patience } from '../clients/listener.ts';
import { DataPlane, type SecureWords } from '../clients/plane.ts';
import type { ProxyStats } from '../counters.ts';
import { ProxyFailure } from '../failure.ts';
import { Router } from '../table/router.ts';
import type { Certificate } from '../tls/certificate.ts';

export interface LocalOptions extends Limits {
  /** Addresses or networks (`10.0.0.0/8`) of proxies before us whose word on the client is taken. */
  readonly trusted?: readonly string[];
  /** What clients are told of https; nothing by default. */
  readonly secure?: SecureWords;
}

const NO_WORDS: SecureWords = { redirectPort: null, hstsSeconds: 0 };

export class LocalProxy {
  readonly router = new Router();
  readonly #listener: Listener;
  readonly #plane: DataPlane;

  constructor(options: LocalOptions, onError: (error: unknown) => void) {
    const trusted = parseTrusted(options.trusted ?? []);
    const isNamed = (host: string): boolean => this.#listener.handshakes.covers(host);
    this.#plane = new DataPlane({
      ...{ router: this.router, trusted, isNamed, onError },
      secure: options.secure ?? NO_WORDS,
    });
    this.#listener = new Listener(this.#plane, options);
  }

  take(socket: Socket, isSecure: boolean): void {
    this.#listener.take(socket, isSecure);
  }

  useCertificates(certificates: readonly Certificate[]): void {
    this.#listener.handshakes.use(certificates);
  }

  stats(): ProxyStats {
    const { connections, handshakes } = this.#listener;
    return this.#plane.stats(connections, handshakes.errors());
  }

  sayClose(): void {
    this.#listener.sayClose();
  }

  settle(ms: number): Promise<void> {
    return this.#listener.settle(ms);
  }

  drain(patience: Patience): Promise<void> {
    return this.#listener.drain(patience);
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
