// A request's head as it goes out to the target. Nothing in it can end a line but what is written here.

import type { RequestHead } from '../clients/request.ts';
import { isSafe } from '../messages/field-lines.ts';

/** Throws for a field or a path that no line may hold. */
export function renderRequest({ method, url, headers, requestId, offer }: RequestHead): string {
  if (!isSafe(method) || !isSafe(url) || url.includes(' ') || !isSafe(requestId) || !isSafe(offer))
    throw new Error('A head holds what no line may hold.');
  // Who asks for no other protocol says it for targets of HTTP/1.0, which would close.
  const connection = offer === '' ? 'Connection: keep-alive' : `Connection: Upgrade\r\nUpgrade: ${offer}`;
  return `${method} ${url} HTTP/1.1\r\n${headers.text}X-Request-Id: ${requestId}\r\n${connection}\r\n\r\n`;
}
