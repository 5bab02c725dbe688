// What a request asks for, checked: its host, its path, the way its body is framed, and the list of fields that goes to
// the target. Chooses no service.
import type { AnswerCode } from '../errors.ts';
import type { ClientRequest } from './conversation.ts';
import { type RequestFields, readFields } from './fields.ts';
import { type Client, composeRequest } from './headers.ts';
import { parseHost } from './host.ts';
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
  readonly headers: readonly string[];
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
  const fields = readFields(request.rawHeaders, client.trusted, request.httpVersionMinor);
  const requestId = chooseRequestId(fields.claims.requestId);
  const refuse = (code: AnswerCode): ReadRequest => ({ ok: false, code, requestId, accept: fields.accept });
  const framing = checkFraming(fields, request.httpVersionMinor);
  if (framing !== null) return refuse(framing);
  if (fields.expect !== '' && fields.expect.toLowerCase() !== '100-continue')
    return refuse('expectation-failed');
  const host = parseHost(fields.host);
  const missing = fields.hosts === 0 && request.httpVersionMinor > 0;
  if (host === null || fields.hosts > 1 || missing) return refuse('bad-host');
  const method = request.method ?? 'GET';
  const url = readTarget(request.url ?? '', method, host);
  if (url === null) return refuse('bad-target');
  const headers = composeRequest(fields, method, client, requestId);
  if (offer !== '') headers.push('Connection', 'Upgrade', 'Upgrade', offer);
  return {
    ok: true,
    head: {
      requestId,
      accept: fields.accept,
      method,
      host,
      path: pathOf(url),
      url,
      headers,
      hasBody: fields.transferEncoding !== '' || Number(fields.contentLength) > 0,
      contentLength: fields.contentLength === '' ? null : Number(fields.contentLength),
      expectsContinue: fields.expect !== '',
      cookie: fields.cookie,
    },
  };
}

/** Anything on which two readers could disagree where the body ends is refused. Minor is 0 for HTTP/1.0. */
function checkFraming(fields: RequestFields, minor: number): AnswerCode | null {
  const { transferEncoding, contentLength } = fields;
  if (transferEncoding !== '') {
    const plain = transferEncoding.toLowerCase() === 'chunked';
    if (!plain || contentLength !== '' || minor === 0) return 'bad-framing';
  }
  if (contentLength !== '' && !isDigits(contentLength)) return 'bad-framing';
  return null;
}

function isDigits(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length <= 15;
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
