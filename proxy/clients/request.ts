// What a request asks for, checked: its host, its path, and what its fields come to (`reading`). Chooses no service.
import type { AnswerCode } from '../errors.ts';
import type { FieldLines } from '../messages/field-lines.ts';
import type { ClientRequest } from './conversation.ts';
import type { Client } from './headers.ts';
import { parseHost } from './host.ts';
import { readingOf } from './reading.ts';
import { chooseRequestId } from './request-id.ts';

export interface RequestHead {
  readonly requestId: string;
  readonly accept: string;
  readonly method: string;
  /** In lower case, without port; empty for an HTTP/1.0 request without Host. */
  readonly host: string;
  /** Without query: what routes are matched with. */
  readonly path: string;
  /** What the target is asked for. */
  readonly url: string;
  /** But for its name, and the protocols that it offers. */
  readonly headers: FieldLines;
  /** The protocols to go over to; empty where there are none. */
  readonly offer: string;
  readonly hasBody: boolean;
  /** Of the body, where the client says it. */
  readonly contentLength: number | null;
  /** The client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
  readonly cookie: string;
}

export type ReadRequest =
  | { readonly ok: true; readonly head: RequestHead }
  | { readonly ok: false; readonly code: AnswerCode; readonly requestId: string; readonly accept: string };

/** `offer`: the protocols to go over to; empty where there are none. */
export function readRequest(request: ClientRequest, client: Client, offer: string): ReadRequest {
  const method = request.method ?? 'GET';
  const reading = readingOf(request, method, client);
  const { accept, host } = reading;
  const requestId = chooseRequestId(reading.claimedId);
  if (reading.refusal !== null) return { ok: false, code: reading.refusal, requestId, accept };
  const url = readTarget(request.url ?? '', method, host);
  if (url === null) return { ok: false, code: 'bad-target', requestId, accept };
  return {
    ok: true,
    head: {
      requestId,
      accept,
      method,
      host,
      path: pathOf(url),
      url,
      headers: reading.headers,
      offer,
      hasBody: reading.hasBody,
      contentLength: reading.contentLength,
      expectsContinue: reading.expectsContinue,
      cookie: reading.cookie,
    },
  };
}

/** Origin form, or `*` for OPTIONS. The absolute form is accepted for the host that the Host field names. */
function readTarget(url: string, method: string, host: string): string | null {
  if (url.startsWith('/')) return url;
  if (url === '*') return method === 'OPTIONS' ? url : null;
  const scheme = url.slice(0, 8).toLowerCase();
  const start = scheme === 'https://' ? 8 : scheme.startsWith('http://') ? 7 : -1;
  if (start < 0) return null;
  const end = endOfAuthority(url, start);
  if (end === start || parseHost(url.slice(start, end)) !== host) return null;
  const rest = url.slice(end);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function endOfAuthority(url: string, start: number): number {
  for (let index = start; index < url.length; index += 1) {
    const char = url[index];
    if (char === '/' || char === '?' || char === '#') return index;
  }
  return url.length;
}

/** Without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path === '*' ? '/' : path;
}
