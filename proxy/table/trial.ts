// What goes to a revision besides its share: requests with a header or a cookie, and copies of those of others. The
// readers of these fields of an entry; decides nothing.
import type { Reader } from './reader.ts';
import type { Match, ServiceEntry } from './table.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

/** `path` is that of the fields. */
export function readMatch(reader: Reader, fields: Readonly<Record<string, unknown>>, path: string): Match {
  return {
    header: fields.header === undefined ? null : readHeader(reader, fields.header, `${path}.header`),
    cookie: fields.cookie === undefined ? null : readCookie(reader, fields.cookie, `${path}.cookie`),
  };
}

function readHeader(reader: Reader, value: unknown, path: string): Match['header'] {
  const fields = reader.fields(value, path);
  const name = reader.text(fields.name, `${path}.name`, TOKEN, 'a header name');
  const expected = reader.text(fields.value, `${path}.value`, FIELD_VALUE, 'a header value');
  return { name: name.toLowerCase(), value: expected };
}

function readCookie(reader: Reader, value: unknown, path: string): Match['cookie'] {
  const fields = reader.fields(value, path);
  return {
    name: reader.text(fields.name, `${path}.name`, TOKEN, 'a cookie name'),
    value: reader.text(fields.value, `${path}.value`, COOKIE_VALUE, 'a cookie value'),
  };
}

export function readTrial(
  reader: Reader,
  { match, mirror }: Readonly<Record<string, unknown>>,
): Pick<ServiceEntry, 'match' | 'mirror'> {
  return { match: readMatched(reader, match), mirror: readMirror(reader, mirror) };
}

function readMatched(reader: Reader, value: unknown): ServiceEntry['match'] {
  if (value === undefined || value === null) return null;
  const fields = reader.fields(value, 'match');
  const revision = reader.integer(fields.revision, 'match.revision', 1, Number.MAX_SAFE_INTEGER);
  const match = readMatch(reader, fields, 'match');
  if (match.header === null && match.cookie === null)
    reader.refuse('match', value, 'a header, a cookie, or both');
  return { revision, ...match };
}

function readMirror(reader: Reader, value: unknown): ServiceEntry['mirror'] {
  if (value === undefined || value === null) return null;
  const fields = reader.fields(value, 'mirror');
  const revision = reader.integer(fields.revision, 'mirror.revision', 1, Number.MAX_SAFE_INTEGER);
  const percent = reader.integer(fields.percent, 'mirror.percent', 0, 100);
  return percent === 0 ? null : { revision, percent };
}
