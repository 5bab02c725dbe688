// The peers whose word on the client is taken: proxies and load balancers before us, by address. Knows no request.
import { BlockList } from 'node:net';

/** `prefix`: how many bits of the address count; all of them for a single one. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

export class TrustedPeers {
  readonly #list = new BlockList();
  readonly #isAnybody: boolean;

  constructor(networks: readonly Network[]) {
    this.#isAnybody = networks.length > 0;
    for (const { address, prefix } of networks) this.#list.addSubnet(address, prefix, familyOf(address));
  }

  /** Of a plain address; empty, of a connection that has ended, it is nobody's. */
  has(address: string): boolean {
    return this.#isAnybody && address !== '' && this.#list.check(address, familyOf(address));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
