// Ends a response whose request body nobody wants. Closing on unread bytes resets the connection, and the client may
// lose the answer: what it still sends is read and dropped for a moment.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { endWatched } from './delivery.ts';

export const LINGER_MS = 500;

/** `idleMs`: how long the client may take to read the rest. */
export function endLingering(request: IncomingMessage, response: ServerResponse, idleMs: number): void {
  const end = (): void => {
    clearTimeout(timer);
    if (!response.writableEnded) endWatched(response, idleMs);
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end);
  request.once('close', end);
  response.once('close', end);
  request.resume();
}
