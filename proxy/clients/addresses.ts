// Client addresses: whose a connection is, and how many each has. Counts, and refuses beyond the limit; closes nothing.
import type { Socket } from 'node:net';

export class AddressBook {
  readonly #counts = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** False, and not counted, when the address has as many as it may. */
  enter(address: string): boolean {
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#most) return false;
    this.#counts.set(address, count + 1);
    return true;
  }

  leave(address: string): void {
    const left = (this.#counts.get(address) ?? 1) - 1;
    if (left === 0) this.#counts.delete(address);
    else this.#counts.set(address, left);
  }
}

/** `::ffff:10.0.0.1`, as a socket that listens on both families tells it, is 10.0.0.1. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Of connections that somebody before us passed on: by the raw connection, whose they are. */
const named = new WeakMap<object, string>();

export function nameAddress(socket: Socket, address: string): void {
  named.set(socket, address);
}

/** The client's, in plain form; empty when nobody knows any more. TLS is spoken on a socket that has the raw one below it. */
export function addressOf(socket: Socket): string {
  const raw = '_parent' in socket && socket._parent instanceof Object ? socket._parent : socket;
  return named.get(raw) ?? plainAddress(socket.remoteAddress ?? '');
}
