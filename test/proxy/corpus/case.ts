// What a client may send, and what has to come of it: the requests that a target sees, and the statuses that the client
// does. Texts only. Every text ends the connection by itself, unless the answer does.

export interface Case {
  readonly name: string;
  readonly text: string;
  /** `METHOD path body` of each request that reaches the target whole. */
  readonly reaches: readonly string[];
  readonly statuses: readonly number[];
}

export const HOST = 'Host: a\r\n';
export const CLOSE = 'Connection: close\r\n';
export const CHUNKED = 'Transfer-Encoding: chunked\r\n';
export const INNER = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n';

export function refused(name: string, text: string, status = 400): Case {
  return { name, text, reaches: [], statuses: [status] };
}

export function passes(name: string, text: string, ...reaches: readonly string[]): Case {
  return { name, text, reaches, statuses: reaches.map(() => 200) };
}

export function post(fields: string, body = ''): string {
  return `POST /one HTTP/1.1\r\n${HOST}${CLOSE}${fields}\r\n${body}`;
}

export function get(fields: string, target = '/one', version = 'HTTP/1.1'): string {
  return `GET ${target} ${version}\r\n${fields}${CLOSE}\r\n`;
}

export function chunks(...parts: readonly string[]): string {
  return post(CHUNKED, parts.join(''));
}

export const chunkOf = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
export const LAST = '0\r\n\r\n';
