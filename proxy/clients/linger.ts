// Ends where the client may still be sending. Closing on unread bytes resets the connection, and the client may lose the
// answer: what it still sends is read and dropped for a moment.
import type { Socket } from 'node:net';
import type { ClientRequest, ClientResponse } from './conversation.ts';
import { endWatched } from './delivery.ts';

/** A client that has ended its side may be gone altogether: it is, when nothing could be sent for so long. */
export const HALF_OPEN_MS = 5_000;
const LINGER_MS = 500;
/** How long a client that reads nothing is waited for. */
const FLUSH_MS = 30_000;

const lingering = new WeakSet<ClientResponse>();

/** It has been written, but for its end. */
export function isLingering(response: ClientResponse | null): boolean {
  return response !== null && lingering.has(response);
}

/** Of a response whose request body nobody wants. `idleMs`: how long the client may take to read the rest. */
export function endLingering(request: ClientRequest, response: ClientResponse, idleMs: number): void {
  lingering.add(response);
  const { socket } = request;
  const end = (): void => {
    clearTimeout(timer);
    // In HTTP/2 the connection outlives the request.
    socket.off('end', end);
    if (!response.writableEnded) endWatched(response, idleMs);
  };
  const timer = setTimeout(end, LINGER_MS);
  // Half a request, and no more of it will come.
  socket.once('end', end);
  request.once('end', end);
  request.once('close', end);
  response.once('close', end);
  request.resume();
}

/** The system has all that was to be written, and the client has sent nothing more. */
export function closeWritten(socket: Socket): void {
  // To close is to end as well: to say the end before would take a call and a turn more. With TLS it has words of its own.
  if ('encrypted' in socket) socket.destroySoon();
  else socket.destroy();
}

/** All that is to be written has been. */
export function closeLingering(socket: Socket): void {
  const destroy = (): void => {
    socket.destroy();
  };
  if (!socket.writable) {
    destroy();
    return;
  }
  socket.setTimeout(socket.readableEnded ? HALF_OPEN_MS : FLUSH_MS, destroy);
  socket.end();
  socket.resume();
  const wait = (): void => {
    if (socket.readableEnded) destroy();
    else socket.once('end', destroy);
    const timer = setTimeout(destroy, LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  };
  socket.once('finish', wait);
}
