// Header fields on their way through: what is tied to one connection stays behind, what tells the target about the
// client is ours to say. Works on node's raw lists (name, value, name, value, …); changes neither case nor order.

import type { ServiceSettings } from '../table/table.ts';
import {
  dropNamed,
  HOP_BY_HOP,
  isDisguised,
  isOfTheWay,
  joinValues,
  NOT_IN_TRAILERS,
  namedByConnection,
} from './field-names.ts';
import type { RequestFields } from './fields.ts';

/** Without a length of their body these have none (RFC 9110 8.6); the others say 0. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

export interface Client {
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly trusted: boolean;
}

/** The list for the target: Host first, then what was kept, then what we say. */
export function composeRequest(
  fields: RequestFields,
  method: string,
  client: Client,
  requestId: string,
): string[] {
  const { claims, host } = fields;
  const list = ['Host', host, ...fields.kept];
  const before = claims.forwardedFor === '' ? '' : `${claims.forwardedFor}, `;
  list.push('X-Forwarded-For', before + client.address);
  list.push('X-Forwarded-Proto', claims.proto === '' ? client.proto : claims.proto);
  list.push('X-Forwarded-Host', claims.host === '' ? host : claims.host);
  if (!client.trusted) list.push('X-Real-IP', client.address);
  list.push('X-Request-Id', requestId);
  if (fields.transferEncoding !== '') {
    list.push('Transfer-Encoding', 'chunked');
    if (fields.trailer !== '') list.push('Trailer', fields.trailer);
  } else if (fields.contentLength !== '') {
    // Not as it came: zeros before it mean another base to some.
    list.push('Content-Length', String(Number(fields.contentLength)));
  } else if (!BODILESS_METHODS.has(method)) {
    list.push('Content-Length', '0');
  }
  if (fields.te.toLowerCase().includes('trailers')) list.push('TE', 'trailers');
  return list;
}

/** The list for the client. `chunked`: the body will be sent so, and trailers with it. */
export function composeResponse(
  raw: readonly string[],
  settings: ServiceSettings,
  chunked: boolean,
  setCookie: string | null,
): string[] {
  const list: string[] = [];
  let connection = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'connection') connection = joinValues(connection, value);
    if (isForClient(lower, chunked) && !settings.headerNames.has(lower)) list.push(name, value);
  }
  const named = namedByConnection(connection);
  if (named !== null) dropNamed(list, named);
  for (const item of settings.headers) list.push(item);
  addMissing(list, settings.missingHeaders);
  if (setCookie !== null) list.push('Set-Cookie', setCookie);
  return list;
}

function addMissing(list: string[], missing: readonly string[]): void {
  for (let index = 0; index < missing.length; index += 2) {
    const name = missing[index] ?? '';
    if (findField(list, name.toLowerCase()) === null) list.push(name, missing[index + 1] ?? '');
  }
}

function isForClient(lower: string, chunked: boolean): boolean {
  if (lower === 'content-length') return !chunked;
  if (lower === 'trailer') return chunked;
  return lower === 'proxy-authenticate' || !HOP_BY_HOP.has(lower);
}

/** Pairs, as node's `addTrailers` takes them. */
export function composeTrailers(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_IN_TRAILERS.has(lower) || isOfTheWay(lower) || isDisguised(lower))
      continue;
    pairs.push([name, raw[index + 1] ?? '']);
  }
  return pairs;
}

/** The value of one field, several of them joined by a comma, or null. */
export function findField(raw: readonly string[], wanted: string): string | null {
  let found: string | null = null;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (name.length !== wanted.length || name.toLowerCase() !== wanted) continue;
    found = joinValues(found ?? '', raw[index + 1] ?? '');
  }
  return found;
}
