// Ends a response whose request body nobody wants. Closing on unread bytes resets the connection, and the client may
// lose the answer: what it still sends is read and dropped for a moment.
import type { IncomingMessage, ServerResponse } from 'node:http';

const LINGER_MS = 500;

export function endLingering(request: IncomingMessage, response: ServerResponse): void {
  const end = (): void => {
    clearTimeout(timer);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end);
  request.once('close', end);
  response.once('close', end);
  request.resume();
}
