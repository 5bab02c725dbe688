// A second reader of requests, by RFC 9112 and nothing else of ours: what a connection's bytes ask for, in order. It is
// kept simple rather than fast, so that it can be checked by eye.

/** `METHOD target body` of each request that is whole and well-formed, up to the first that is not. */
export function readRequests(text: string): string[] {
  const found: string[] = [];
  for (let rest = text; ; ) {
    // Ends of lines before a request line are nobody's (RFC 9112 2.2); halves of them are left out as well.
    const request = readRequest(rest.replace(/^[\r\n]+/, ''));
    if (request === null) return found;
    found.push(`${request.method} ${request.target} ${request.body}`.trimEnd());
    rest = request.rest;
  }
}

interface Reading {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly rest: string;
}

const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.([01])$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const CHUNK = /^([0-9a-fA-F]+)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/;

function readRequest(text: string): Reading | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const [, method, target, minor] = LINE.exec(line) ?? [];
  const fields = readFields(lines);
  if (method === undefined || target === undefined || fields === null) return null;
  const hosts = fields.filter(([name]) => name === 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minor === '1')) return null;
  const body = readBody(fields, minor === '1', text.slice(end + 4));
  return body === null ? null : { method, target: readPath(target), ...body };
}

function readFields(lines: readonly string[]): readonly (readonly [string, string])[] | null {
  const fields = lines.map((line) => FIELD.exec(line));
  if (fields.some((field) => field === null || !VALUE.test(field[2] ?? ''))) return null;
  return fields.map((field) => [field?.[1]?.toLowerCase() ?? '', field?.[2] ?? '']);
}

/** Of the absolute form, what a target is asked for. */
function readPath(target: string): string {
  const [, path] = /^https?:\/\/[^/?#]*(.*)$/i.exec(target) ?? [];
  if (path === undefined) return target;
  return path.startsWith('/') ? path : `/${path}`;
}

function readBody(
  fields: readonly (readonly [string, string])[],
  mayBeChunked: boolean,
  text: string,
): { readonly body: string; readonly rest: string } | null {
  const all = (wanted: string) => fields.flatMap(([name, value]) => (name === wanted ? [value] : []));
  const [lengths, codings] = [all('content-length'), all('transfer-encoding')];
  if (lengths.length + codings.length > 1) return null;
  if (codings[0] !== undefined) {
    return mayBeChunked && codings[0].toLowerCase() === 'chunked' ? readChunks(text) : null;
  }
  const [length = '0'] = lengths;
  if (!/^\d+$/.test(length) || Number(length) > text.length) return null;
  return { body: text.slice(0, Number(length)), rest: text.slice(Number(length)) };
}

function readChunks(text: string): { readonly body: string; readonly rest: string } | null {
  let body = '';
  for (let rest = text; ; ) {
    const [line, digits = ''] = CHUNK.exec(rest) ?? [];
    if (line === undefined) return null;
    const size = Number.parseInt(digits, 16);
    const data = rest.slice(line.length, line.length + size);
    if (size === 0) return readTrailers(body, rest.slice(line.length));
    if (rest.slice(line.length + size, line.length + size + 2) !== '\r\n') return null;
    body += data;
    rest = rest.slice(line.length + size + 2);
  }
}

function readTrailers(body: string, text: string): { readonly body: string; readonly rest: string } | null {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  if (end > 0 && readFields(text.slice(0, end).split('\r\n')) === null) return null;
  return { body, rest: text.slice(end === 0 ? 2 : end + 4) };
}
