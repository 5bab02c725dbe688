// A client's request and the response to it, as far as the data plane needs them: of HTTP/1.1
// (`http1-request`, `http1-response`) or on a stream of HTTP/2 (`http2-request`, `http2-response`). Types only.
import type { Socket } from 'node:net';
import type { FieldLines } from '../messages/field-lines.ts';
import type { Client } from './headers.ts';
import type { Reading } from './reading.ts';

export interface ClientRequest {
  /** Name, value, name, value, … in the form that HTTP/1.1 has for them. */
  readonly rawHeaders: readonly string[];
  /** Where its fields may come again: what was made of them. */
  readonly block?: { reading: Reading | null };
  readonly rawTrailers: readonly string[];
  readonly httpVersionMinor: number;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Nothing of it is in the way of a response's end any more. */
  readonly complete: boolean;
  /** Of the client's connection. */
  readonly socket: Socket;
  /** Whose connection it is. */
  readonly client: Client;
  /** Others share the connection, and it does not end with this request. */
  readonly isMultiplexed?: boolean;
  /** A piece holds during the call only. */
  on(event: 'data', listener: (piece: Buffer) => void): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
  off(event: 'data', listener: (piece: Buffer) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface ClientResponse {
  readonly req: { readonly httpVersionMinor: number };
  statusCode: number;
  shouldKeepAlive: boolean;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  /** What its bytes go out on; null when that has gone. */
  readonly socket: Outlet | null;
  /** `own`: of this response alone, behind the others. Throws when it has a status or a field that cannot be sent. */
  writeHead(status: number, reason: string | undefined, fields: FieldLines, own: readonly string[]): unknown;
  /** What was written so far goes out. */
  flush(): void;
  write(text: string, encoding: 'latin1'): boolean;
  /** `done`: what it is made of is nobody's any more. */
  write(piece: string | Buffer, done?: (error?: Error | null) => void): boolean;
  addTrailers(pairs: [string, string][]): void;
  writeContinue(): void;
  /** Throws as `writeHead` does. */
  writeInformation(status: number, fields: string[]): unknown;
  end(): unknown;
  destroy(): unknown;
  /** Where the connection can go over to another protocol. */
  detachSocket?(): unknown;
  once(event: 'drain' | 'finish' | 'close', listener: () => void): unknown;
}

export interface Outlet {
  readonly writableLength: number;
  /** Counts anew with what the client takes; 0 takes the listener away. */
  setTimeout(ms: number, onTimeout: () => void): unknown;
  destroy(): unknown;
  resetAndDestroy?(): unknown;
}

export interface Conversation {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
}
