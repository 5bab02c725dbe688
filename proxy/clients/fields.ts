// One walk over a request's fields: what goes on to the target, and what the proxy itself needs to know of it. Works on
// node's raw lists (name, value, name, value, …); changes neither case nor order.
import { dropNamed, HOP_BY_HOP, isDisguised, joinValues, namedByConnection } from './field-names.ts';

/** What the client, or a proxy before it, says of the way so far. Empty text stands for a field that is absent. */
export interface Claims {
  forwarded: string;
  forwardedFor: string;
  proto: string;
  host: string;
  requestId: string;
}

/** What one walk over a request's fields finds. Empty text stands for a field that is absent. */
export class RequestFields {
  /** What goes on to the target, without Host, framing and what we say about the client. */
  readonly kept: string[] = [];
  hosts = 0;
  host = '';
  connection = '';
  upgrade = '';
  contentLength = '';
  transferEncoding = '';
  trailer = '';
  te = '';
  expect = '';
  accept = '';
  cookie = '';
  readonly claims: Claims = { forwarded: '', forwardedFor: '', proto: '', host: '', requestId: '' };
}

/**
 * One walk. A name from `Connection` is dropped whatever it is, before anything of ours is added; but for `Expect`, which
 * the client would wait upon in vain. Minor is 0 for HTTP/1.0, which has no expectations.
 */
export function readFields(raw: readonly string[], trusted: boolean, minor: number): RequestFields {
  const fields = new RequestFields();
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (isDisguised(lower) || (minor === 0 && lower === 'expect')) continue;
    if (note(fields, lower, value) && isKept(fields, lower, value, trusted)) fields.kept.push(name, value);
  }
  const named = namedByConnection(fields.connection);
  named?.delete('expect');
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
      fields.connection = joinValues(fields.connection, value);
      return false;
    case 'content-length':
      fields.contentLength = joinValues(fields.contentLength, value);
      return false;
    case 'transfer-encoding':
      fields.transferEncoding = joinValues(fields.transferEncoding, value);
      return false;
    case 'upgrade':
      fields.upgrade = joinValues(fields.upgrade, value);
      return false;
    case 'trailer':
      fields.trailer = joinValues(fields.trailer, value);
      return false;
    case 'te':
      fields.te = joinValues(fields.te, value);
      return false;
    case 'expect':
      fields.expect = joinValues(fields.expect, value);
      return true;
    case 'accept':
      fields.accept = joinValues(fields.accept, value);
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
      if (trusted) fields.claims.forwardedFor = joinValues(fields.claims.forwardedFor, value);
      return false;
    case 'x-forwarded-proto':
      if (trusted) fields.claims.proto = value;
      return false;
    case 'x-forwarded-host':
      if (trusted) fields.claims.host = value;
      return false;
    case 'x-request-id':
      if (trusted) fields.claims.requestId = joinValues(fields.claims.requestId, value);
      return false;
    case 'x-slipway-mirror':
      return false;
    case 'forwarded':
      if (trusted) fields.claims.forwarded = joinValues(fields.claims.forwarded, value);
      return false;
    case 'x-real-ip':
      return trusted;
    default:
      return trusted || !lower.startsWith('x-forwarded-');
  }
}
