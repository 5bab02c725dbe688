// A request's head as it goes out to the target. Nothing in it can end a line but what is written here.

import type { RequestHead } from '../clients/request.ts';
import { isSafe, renderFields } from '../messages/field-lines.ts';

/** Throws for a field or a path that no line may hold. */
export function renderRequest({ method, url, headers }: RequestHead): string {
  if (!isSafe(method) || !isSafe(url) || url.includes(' '))
    throw new Error('A path holds what no line may hold.');
  // One who asks for another protocol has said so; the others say it for targets of HTTP/1.0, which would close.
  const connection = headers.includes('Connection') ? '' : 'Connection: keep-alive\r\n';
  return `${method} ${url} HTTP/1.1\r\n${renderFields(headers)}${connection}\r\n`;
}
