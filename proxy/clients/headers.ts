// Header fields on their way through: what is tied to one connection stays behind, what tells the target about the
// client is ours to say. Works on node's raw lists (name, value, name, value, …); changes neither case nor order.

import { FieldLines } from '../messages/field-lines.ts';
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
import { composeForwarded } from './forwarded.ts';

/** Without a length of their body these have none (RFC 9110 8.6); the others say 0. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

export interface Client {
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly trusted: boolean;
  /** Its own connection, in the words of `Forwarded`. */
  readonly hop: string;
}

/** The list for the target: Host first, then what was kept, then what we say of all its requests alike. */
export function composeRequest(fields: RequestFields, method: string, client: Client): string[] {
  const { claims, host } = fields;
  const list = ['Host', host, ...fields.kept];
  const before = claims.forwardedFor === '' ? '' : `${claims.forwardedFor}, `;
  list.push('Forwarded', composeForwarded(claims, client.hop, host));
  list.push('X-Forwarded-For', before + client.address);
  list.push('X-Forwarded-Proto', claims.proto === '' ? client.proto : claims.proto);
  list.push('X-Forwarded-Host', claims.host === '' ? host : claims.host);
  if (!client.trusted) list.push('X-Real-IP', client.address);
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

/** An answer of a target: its fields, and what was made of them for a client last. */
export interface Answered {
  readonly fields: readonly string[];
  composed: Composed | null;
}

export interface Composed {
  readonly settings: ServiceSettings;
  readonly chunked: boolean;
  readonly fields: FieldLines;
}

/** For the client. `chunked`: the body will be sent so, and trailers with it. */
export function composeResponse(answer: Answered, settings: ServiceSettings, chunked: boolean): FieldLines {
  const { composed } = answer;
  if (composed !== null && composed.settings === settings && composed.chunked === chunked)
    return composed.fields;
  const fields = new FieldLines(listForClient(answer.fields, settings, chunked));
  answer.composed = { settings, chunked, fields };
  return fields;
}

function listForClient(raw: readonly string[], settings: ServiceSettings, chunked: boolean): string[] {
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
  return list;
}

/** Whose response it is, and what only this one says. */
interface Reply {
  readonly head: { readonly requestId: string };
  readonly settings: ServiceSettings;
  readonly setCookie: string | null;
}

export function composeOwn({ head, settings, setCookie }: Reply): string[] {
  const own = settings.headerNames.has('x-request-id') ? [] : ['X-Request-Id', head.requestId];
  if (setCookie !== null) own.push('Set-Cookie', setCookie);
  return own;
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
  // One that the target gave would lead to no line of the log.
  if (lower === 'x-request-id') return false;
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
