// A request that came as a stream of HTTP/2, in the form that HTTP/1.1 has for it (RFC 9113 8.3.1): from there on nothing
// knows the difference. Node has refused by then what is malformed: pseudo-fields, names in upper case, fields of a connection,
// a body that is not as long as it says.

import { METHODS } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { AnswerCode } from '../errors.ts';
import { endOnlyWhole } from '../targets/stream-end.ts';
import type { ClientRequest } from './conversation.ts';
import type { Client } from './headers.ts';

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** What each field counts beside its text. */
const FIELD_BYTES = 32;

interface Pseudo {
  method: string;
  path: string;
  scheme: string;
  authority: string | null;
}

/** What the fields say, with those of HTTP/1.1 in place of the pseudo-fields. */
export interface TranslatedHead {
  readonly method: string;
  readonly url: string;
  /** Host first. */
  readonly fields: string[];
  /** As HTTP/2 counts it (RFC 9113 6.5.2). */
  readonly size: number;
  /** What no request of HTTP/1.1 could be. */
  readonly refusal: AnswerCode | null;
}

/**
 * `isBare`: nothing follows the fields. A Host that differs from `:authority`
 * stays beside it, for two of them are refused by whoever reads on. The crumbs of a cookie are one field again (8.2.3).
 */
export function translateHead(raw: readonly string[], isBare: boolean): TranslatedHead {
  const pseudo: Pseudo = { method: '', path: '', scheme: '', authority: null };
  const fields: string[] = [];
  let [cookie, hasLength, size] = ['', false, 0];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    size += name.length + value.length + FIELD_BYTES;
    if (name.startsWith(':')) notePseudo(pseudo, name, value);
    else if (name === 'cookie') cookie = cookie === '' ? value : `${cookie}; ${value}`;
    else if (name !== 'host' || value.toLowerCase() !== pseudo.authority?.toLowerCase())
      fields.push(name, value);
    if (name === 'content-length') hasLength = true;
  }
  if (cookie !== '') fields.push('cookie', cookie);
  if (!isBare && !hasLength) fields.push('transfer-encoding', 'chunked');
  if (pseudo.authority !== null) fields.unshift('host', pseudo.authority);
  return { method: pseudo.method, url: pseudo.path, fields, size, refusal: findRefusal(pseudo) };
}

function findRefusal({ method, scheme }: Pseudo): AnswerCode | null {
  if (method === 'CONNECT') return 'no-tunnel';
  return KNOWN_METHODS.has(method) && /^https?$/i.test(scheme) ? null : 'bad-request';
}

function notePseudo(pseudo: Pseudo, name: string, value: string): void {
  if (name === ':method') pseudo.method = value;
  else if (name === ':path') pseudo.path = value;
  else if (name === ':scheme') pseudo.scheme = value;
  else if (name === ':authority') pseudo.authority = value;
}

export class StreamRequest implements ClientRequest {
  readonly httpVersionMinor = 1;
  readonly isMultiplexed = true;
  /** What the client still sends holds up nobody: the stream ends with its response. */
  readonly complete = true;
  readonly rawHeaders: string[];
  rawTrailers: readonly string[] = [];
  readonly method: string;
  readonly url: string;
  readonly socket: Socket;
  readonly client: Client;
  readonly #stream: ServerHttp2Stream;

  constructor(
    stream: ServerHttp2Stream,
    { method, url, fields }: TranslatedHead,
    socket: Socket,
    client: Client,
  ) {
    this.#stream = stream;
    this.method = method;
    this.url = url;
    this.rawHeaders = fields;
    this.socket = socket;
    this.client = client;
    if (stream.endAfterHeaders) return;
    endOnlyWhole(stream, false);
    stream.once('trailers', (_trailers, _flags, raw: string[]) => {
      this.rawTrailers = raw;
    });
  }

  on(event: 'data', listener: (chunk: Buffer) => void): void {
    this.#stream.on(event, listener);
  }

  once(event: 'end' | 'close', listener: () => void): void {
    this.#stream.once(event, listener);
  }

  off(event: 'data' | 'end', listener: (chunk: Buffer) => void): void {
    this.#stream.off(event, listener);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}
