// Who is let in: connections are held against the limits before anything is served on them, and kept until they end. With
// the PROXY protocol each first says whose it is. Closes what it refuses, and counts it.
//
// INVARIANTS
// - Only a trusted peer's header is read, and without one nothing of it is served: a stranger could name any address.
// - A connection counts for the address that it is served for, and from before it is served.
import type { Socket } from 'node:net';
import { countRefusals, type Refusal, type RefusalCounts } from '../counters.ts';
import { AddressBook, addressOf, nameAddress } from './addresses.ts';
import { type Introduction, readProxyHeader } from './proxy-header-reader.ts';
import type { TrustedPeers } from './trusted.ts';

export interface Limits {
  /** In all; beyond, connections are closed at once. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  /** Every connection comes from a trusted peer, and begins with a header of the PROXY protocol. */
  readonly proxyProtocol?: boolean;
}

/** Asked of somebody else, who counts for several: whether the connection of this address may be served. */
export type AskAdmission = (socket: Socket, address: string, answer: (isAdmitted: boolean) => void) => void;

const MAX_CONNECTIONS = 20_000;

export class Admission {
  /** As they were accepted, those included whose handshake is not done. */
  readonly sockets = new Set<Socket>();
  readonly #trusted: TrustedPeers;
  readonly #ask: AskAdmission | null;
  /** Null: there is no limit for an address. */
  readonly #addresses: AddressBook | null;
  readonly #most: number;
  /** Each connection says first whose it is. */
  readonly isIntroduced: boolean;
  readonly #refused: RefusalCounts = countRefusals(() => 0);

  constructor(limits: Limits, trusted: TrustedPeers, ask: AskAdmission | null) {
    this.#trusted = trusted;
    this.#ask = ask;
    this.#most = limits.maxConnections ?? MAX_CONNECTIONS;
    const { maxConnectionsPerAddress: most } = limits;
    this.#addresses = most === undefined ? null : new AddressBook(most);
    this.isIntroduced = limits.proxyProtocol === true;
  }

  refused(): Readonly<RefusalCounts> {
    return { ...this.#refused };
  }

  /** Calls `begin` once it may be served. */
  admit(socket: Socket, begin: () => void): void {
    if (this.sockets.size >= this.#most) {
      this.#refuse(socket, 'limit');
      return;
    }
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    if (this.isIntroduced) this.#askWhose(socket, begin);
    else this.#enter(socket, begin);
  }

  #askWhose(socket: Socket, begin: () => void): void {
    const peer = addressOf(socket);
    // Of one that was reset already, as checks of balancers are, nobody knows whose it was.
    if (peer === '') socket.destroy();
    else if (!this.#trusted.has(peer)) this.#refuse(socket, 'proxy-untrusted');
    else readProxyHeader(socket, (introduction) => this.#meet(socket, introduction, begin));
  }

  #meet(socket: Socket, introduction: Introduction, begin: () => void): void {
    if (introduction.kind === 'silent') {
      socket.destroy();
      return;
    }
    if (introduction.kind !== 'whole') {
      this.#refuse(socket, `proxy-${introduction.kind}`);
      return;
    }
    if (introduction.address !== null) nameAddress(socket, introduction.address);
    if (this.#ask === null) this.#enter(socket, begin);
    else this.#ask(socket, addressOf(socket), (isAdmitted) => this.#resume(socket, isAdmitted, begin));
  }

  /** It may have ended meanwhile. */
  #resume(socket: Socket, isAdmitted: boolean, begin: () => void): void {
    if (!isAdmitted) this.#refuse(socket, 'address-limit');
    else if (socket.readableEnded) socket.destroy();
    else if (!socket.destroyed) begin();
  }

  #enter(socket: Socket, begin: () => void): void {
    const addresses = this.#addresses;
    if (addresses !== null) {
      const address = addressOf(socket);
      if (!addresses.enter(address)) {
        this.#refuse(socket, 'address-limit');
        return;
      }
      socket.on('close', () => addresses.leave(address));
    }
    begin();
  }

  #refuse(socket: Socket, reason: Refusal): void {
    this.#refused[reason] += 1;
    socket.destroy();
  }
}
