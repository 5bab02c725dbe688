// Who is let in: connections are held against the limits before anything is read from them, and kept until they end.
// Closes what it refuses, and counts it; speaks no protocol.
import type { Socket } from 'node:net';
import { AddressBook, plainAddress } from './addresses.ts';
import { countRefusals, type Refusal, type RefusalCounts } from '../counters.ts';

export interface Limits {
  /** In all; beyond, connections are closed at once. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
}

const MAX_CONNECTIONS = 20_000;

export class Admission {
  /** As they were accepted, those included whose handshake is not done. */
  readonly sockets = new Set<Socket>();
  readonly #addresses: AddressBook;
  readonly #most: number;
  readonly #refused: RefusalCounts = countRefusals(() => 0);

  constructor(limits: Limits) {
    this.#most = limits.maxConnections ?? MAX_CONNECTIONS;
    this.#addresses = new AddressBook(limits.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY);
  }

  refused(): Readonly<RefusalCounts> {
    return { ...this.#refused };
  }

  /** Calls `begin` if it is let in. */
  admit(socket: Socket, begin: () => void): void {
    if (this.sockets.size >= this.#most) {
      this.#refuse(socket, 'limit');
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const address = plainAddress(socket.remoteAddress ?? '');
    if (!this.#addresses.enter(address)) {
      this.#refuse(socket, 'address-limit');
      return;
    }
    socket.once('close', () => this.#addresses.leave(address));
    begin();
  }

  #refuse(socket: Socket, reason: Refusal): void {
    this.#refused[reason] += 1;
    socket.destroy();
  }
}
