// Heads of messages between the form of HTTP/1.1, which the data plane has them in, and that of HTTP/2.
import { STATUS_CODES } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http2';
import { joinValues } from '../clients/field-names.ts';
import type { RequestHead } from '../clients/request.ts';
import { isSafe } from '../messages/field-lines.ts';
import { MAX_HEAD_BYTES, type ResponseHead } from './response-head.ts';

/** Of a connection of HTTP/1.1: HTTP/2 has no such fields, or other means. */
const LEFT_OUT: ReadonlySet<string> = new Set(['host', 'connection', 'upgrade', 'transfer-encoding']);
const LENGTH = /^\d{1,15}$/;

/** Throws for a field or a path that HTTP/1.1 could not hold either. */
export function renderStreamHead(head: RequestHead): OutgoingHttpHeaders {
  const { method, url } = head;
  const headers = [...head.headers.list, 'X-Request-Id', head.requestId];
  if (!isSafe(method) || !isSafe(url) || url.includes(' ') || !isSafe(headers.join('')))
    throw new Error('A head holds what no line may hold.');
  const fields: OutgoingHttpHeaders = { ':method': method, ':scheme': 'http', ':path': url };
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    const value = headers[index + 1] ?? '';
    if (name === 'host') fields[':authority'] = value;
    if (LEFT_OUT.has(name)) continue;
    const before = String(fields[name] ?? '');
    // The fields of a cookie are one text with another mark between them.
    fields[name] = name === 'cookie' && before !== '' ? `${before}; ${value}` : joinValues(before, value);
  }
  return fields;
}

/** Pairs, in lower case, as they go out behind the body. */
export function renderTrailers(trailers: readonly string[]): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {};
  if (!isSafe(trailers.join(''))) return fields;
  for (let index = 0; index < trailers.length; index += 2) {
    const name = (trailers[index] ?? '').toLowerCase();
    fields[name] = joinValues(String(fields[name] ?? ''), trailers[index + 1] ?? '');
  }
  return fields;
}

/** Null when it is too large, or could not be sent on. Node has refused what is malformed. */
export function readStreamHead(raw: readonly string[]): ResponseHead | null {
  const fields: string[] = [];
  let [status, length, size]: [number, number | null, number] = [0, null, 0];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    size += name.length + value.length;
    if (name === ':status') status = Number(value);
    if (name.startsWith(':')) continue;
    if (name === 'content-length') {
      if (!LENGTH.test(value)) return null;
      length = Number(value);
    }
    fields.push(name, value);
  }
  if (size > MAX_HEAD_BYTES || !isSafe(fields.join(''))) return null;
  const reason = STATUS_CODES[status] ?? '';
  return { status, reason, fields, length, isChunked: false, keepMs: 0, composed: null };
}
