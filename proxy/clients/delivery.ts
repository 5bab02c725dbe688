// The client's end of a response: how long it may take to read what is ready for it, and how it learns that the rest
// will not come. The time counts anew with every byte that it takes.
import type { ClientResponse } from './conversation.ts';

/** The connection is destroyed unless the client reads. Returns what ends the watch. */
export function watchReader(response: Pick<ClientResponse, 'socket'>, ms: number): () => void {
  const { socket } = response;
  if (socket === null) return () => undefined;
  const cut = (): void => {
    socket.destroy();
  };
  socket.setTimeout(ms, cut);
  return () => {
    socket.setTimeout(0, cut);
  };
}

/** Ends the response; a client that does not read its rest is cut off. */
export function endWatched(response: Pick<ClientResponse, 'socket' | 'end' | 'once'>, ms: number): void {
  response.end();
  const left = response.socket?.writableLength ?? 0;
  if (left > 0) response.once('finish', watchReader(response, ms));
}

/**
 * To HTTP/1.0, where the end of the connection can be the end of the body, a truncated one ends with a reset. TLS knows
 * none, but has a word of its own for an end, which is not said.
 */
export function cutOff(response: ClientResponse): void {
  const { socket } = response;
  const isReset = response.req.httpVersionMinor === 0 && socket !== null && !('encrypted' in socket);
  if (isReset) socket.resetAndDestroy?.();
  else response.destroy();
}
