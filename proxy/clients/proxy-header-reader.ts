// Reads the header of the PROXY protocol off a connection, and leaves what comes behind it where it was: for TLS or HTTP,
// which then begin as if nothing had been read.
import type { Socket } from 'node:net';
import { parseProxyHeader } from './proxy-header.ts';

/** In all, however slowly it comes. */
const HEADER_MS = 5_000;

export type Introduction =
  | { readonly kind: 'whole'; readonly address: string | null }
  | { readonly kind: 'malformed' | 'timeout' }
  /** It ended before it said anything: somebody only looked whether the port is open. */
  | { readonly kind: 'silent' };

/** Calls `done` once, unless the connection is cut first. */
export function readProxyHeader(socket: Socket, done: (introduction: Introduction) => void): void {
  let bytes = Buffer.alloc(0);
  const finish = (introduction: Introduction): void => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('end', end);
    done(introduction);
  };
  const read = (): void => {
    for (let piece = socket.read(); piece !== null; piece = socket.read())
      bytes = Buffer.concat([bytes, piece]);
    const header = parseProxyHeader(bytes);
    if (header.kind === 'part') return;
    if (header.kind === 'whole' && bytes.length > header.length)
      socket.unshift(bytes.subarray(header.length));
    finish(header);
  };
  const end = (): void => finish({ kind: bytes.length === 0 ? 'silent' : 'malformed' });
  const timer = setTimeout(() => finish({ kind: 'timeout' }), HEADER_MS);
  // Until somebody else listens; it is closed by itself then.
  socket.on('error', () => undefined);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', end);
  socket.on('readable', read);
}
