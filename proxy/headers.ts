// Header fields on their way through: what is tied to one connection stays behind, what tells the target about the
// client is ours to say. Works on node's raw lists (name, value, name, value, …); changes neither case nor order.
import { randomUUID } from 'node:crypto';
import type { ServiceSettings } from './table.ts';

/** Fields of one connection (RFC 9110 7.6.1); framing and `Trailer` are written anew by whoever sends. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te'],
  ...['transfer-encoding', 'content-length', 'trailer', 'upgrade', 'http2-settings'],
]);

/** Fields that may not come after the body (RFC 9110 6.5.1), beside those above. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['host', 'content-encoding', 'content-type', 'content-range', 'authorization', 'cookie', 'set-cookie'],
  ...[
    'cache-control',
    'expect',
    'max-forwards',
    'pragma',
    'range',
    'age',
    'date',
    'expires',
    'location',
    'vary',
  ],
]);

/** What one walk over a request's fields finds. Empty text stands for a field that is absent. */
export interface RequestFields {
  /** What goes on to the target, without Host, framing and what we say about the client. */
  readonly kept: string[];
  hosts: number;
  host: string;
  connection: string;
  upgrade: string;
  contentLength: string;
  transferEncoding: string;
  trailer: string;
  te: string;
  expect: string;
  accept: string;
  cookie: string;
  /** What the client, or a proxy before it, says of the way so far. */
  readonly claims: { forwardedFor: string; proto: string; host: string; requestId: string };
}

/** One walk. A name from `Connection` is dropped whatever it is, before anything of ours is added. */
export function readFields(raw: readonly string[], trusted: boolean): RequestFields {
  const fields: RequestFields = {
    ...{ kept: [], hosts: 0, host: '', connection: '', upgrade: '', contentLength: '', transferEncoding: '' },
    ...{ trailer: '', te: '', expect: '', accept: '', cookie: '' },
    claims: { forwardedFor: '', proto: '', host: '', requestId: '' },
  };
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (note(fields, lower, value) && isKept(fields, lower, value, trusted)) fields.kept.push(name, value);
  }
  const named = namedByConnection(fields.connection);
  if (named !== null) dropNamed(fields.kept, named);
  return fields;
}

/** Remembers what the proxy itself needs to know; false for what stays behind. */
function note(fields: RequestFields, lower: string, value: string): boolean {
  switch (lower) {
    case 'host':
      fields.hosts += 1;
      fields.host = value;
      return false;
    case 'connection':
      fields.connection = join(fields.connection, value);
      return false;
    case 'content-length':
      fields.contentLength = join(fields.contentLength, value);
      return false;
    case 'transfer-encoding':
      fields.transferEncoding = join(fields.transferEncoding, value);
      return false;
    case 'upgrade':
      fields.upgrade = join(fields.upgrade, value);
      return false;
    case 'trailer':
      fields.trailer = join(fields.trailer, value);
      return false;
    case 'te':
      fields.te = join(fields.te, value);
      return false;
    case 'expect':
      fields.expect = join(fields.expect, value);
      return true;
    case 'accept':
      fields.accept = join(fields.accept, value);
      return true;
    case 'cookie':
      fields.cookie = fields.cookie === '' ? value : `${fields.cookie}; ${value}`;
      return true;
    default:
      return !HOP_BY_HOP.has(lower);
  }
}

/** Of an untrusted peer nothing that it says about the way so far is kept. */
function isKept(fields: RequestFields, lower: string, value: string, trusted: boolean): boolean {
  switch (lower) {
    case 'x-forwarded-for':
      if (trusted) fields.claims.forwardedFor = join(fields.claims.forwardedFor, value);
      return false;
    case 'x-forwarded-proto':
      if (trusted) fields.claims.proto = value;
      return false;
    case 'x-forwarded-host':
      if (trusted) fields.claims.host = value;
      return false;
    case 'x-request-id':
      if (trusted) fields.claims.requestId = value;
      return false;
    case 'forwarded':
    case 'x-real-ip':
      return trusted;
    default:
      return trusted || !lower.startsWith('x-forwarded-');
  }
}

export interface Client {
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly trusted: boolean;
}

/** The list for the target: Host first, then what was kept, then what we say. `length` is empty, a number, or `chunked`. */
export function composeRequest(
  fields: RequestFields,
  host: string,
  client: Client,
  requestId: string,
): string[] {
  const { claims } = fields;
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
    list.push('Content-Length', fields.contentLength);
  }
  if (fields.te.toLowerCase().includes('trailers')) list.push('TE', 'trailers');
  return list;
}

/** A trusted peer's id when it is plain enough to be logged, otherwise a new one. */
export function chooseRequestId(fields: RequestFields): string {
  const given = fields.claims.requestId;
  return given !== '' && given.length <= 128 && !/[^\x21-\x7e]/.test(given) ? given : randomUUID();
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
    if (lower === 'connection') connection = join(connection, value);
    if (isForClient(lower, chunked) && !settings.headerNames.has(lower)) list.push(name, value);
  }
  const named = namedByConnection(connection);
  if (named !== null) dropNamed(list, named);
  for (const item of settings.headers) list.push(item);
  if (setCookie !== null) list.push('Set-Cookie', setCookie);
  return list;
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
    if (HOP_BY_HOP.has(lower) || NOT_IN_TRAILERS.has(lower) || lower.startsWith('x-forwarded-')) continue;
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
    found = join(found ?? '', raw[index + 1] ?? '');
  }
  return found;
}

/** Null when `Connection` only says how to go on. */
function namedByConnection(connection: string): ReadonlySet<string> | null {
  if (connection === '' || connection === 'keep-alive' || connection === 'close') return null;
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}

function dropNamed(list: string[], named: ReadonlySet<string>): void {
  let kept = 0;
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] ?? '';
    if (named.has(name.toLowerCase())) continue;
    list[kept] = name;
    list[kept + 1] = list[index + 1] ?? '';
    kept += 2;
  }
  list.length = kept;
}

function join(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}
