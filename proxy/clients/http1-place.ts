// What the connections of HTTP/1.1 share: who serves their requests, and within which limits. Types only.
import type { Socket } from 'node:net';
import type { AnswerCode } from '../errors.ts';
import type { Deadlines } from '../exchange/deadlines.ts';
import type { Conversation } from './conversation.ts';
import type { Client } from './headers.ts';
import type { Http1Connection } from './http1-connection.ts';

export interface Http1Limits {
  readonly maxHeaderBytes: number;
  /** How long a head may take, from the connection's begin or from its own first byte. */
  readonly headMs: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
}

export interface Http1Front {
  /** Whose connection it is: for all requests of it. */
  meet(socket: Socket): Client;
  serve(conversation: Conversation): void;
  refuse(conversation: Conversation, code: AnswerCode): void;
  /** What could not be read was refused. */
  noteUnread(code: AnswerCode): void;
  /** The client offers another protocol; `first` is what it has sent behind its head already. */
  upgrade(conversation: Conversation, socket: Socket, first: Buffer): void;
}

/** What connections share. */
export interface Http1Place {
  readonly front: Http1Front;
  readonly limits: Http1Limits;
  /** What a client that keeps its connection is told of that. */
  readonly keepAlive: string;
  readonly deadlines: Deadlines;
  /** Those that are open. */
  readonly open: Set<Http1Connection>;
}
