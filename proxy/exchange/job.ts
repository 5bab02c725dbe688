// The narrow waist between a request and the way it is forwarded: what a try is given, and how it can end.

import type { Duplex } from 'node:stream';
import type { AccessLog } from '../access.ts';
import type { ClientRequest, ClientResponse } from '../clients/conversation.ts';
import type { RequestHead } from '../clients/request.ts';
import type { AnswerCode, TargetError } from '../errors.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Past } from '../targets/wire.ts';
import type { Deadlines } from './deadlines.ts';
import type { Streams } from './streams.ts';

/** What an exchange begins with. */
export interface ExchangeInput {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly head: RequestHead;
  readonly service: Service;
  readonly plane: Plane;
  /** The service's, with what is to be added for this client. */
  readonly settings: ServiceSettings;
  readonly secure: boolean;
  readonly tunnel: Job['tunnel'];
  /** The revision that it asks for, or null. */
  readonly forced: number | null;
  /** No other revision will do. */
  readonly isStrict: boolean;
}

/** RFC 9110 9.2.1: what may be sent again when nobody knows what became of it. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** What all requests share. */
export interface Plane {
  readonly deadlines: Deadlines;
  readonly streams: Streams;
  /** Null while nobody wants one. */
  readonly access: AccessLog | null;
  /** Every response says `Connection: close` from now on. */
  readonly closing: boolean;
}

export interface Job {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly head: RequestHead;
  readonly settings: ServiceSettings;
  readonly plane: Plane;
  /** The client's socket when it wants to go over to another protocol, with what it sent already. */
  readonly tunnel: { readonly socket: Duplex; readonly first: Buffer } | null;
  /** For the response, when the client is to stay with this revision. */
  readonly setCookie: string | null;
  /** The target has taken the connection. */
  connected(): void;
  /** Asked of a 404: it is to be held back until another revision has been asked. */
  looksElsewhere(): boolean;
}

export type Outcome =
  /** `at`: when it was whole, or when the connection went over to another protocol; by `performance.now()`. */
  | { readonly kind: 'answered'; readonly status: number; readonly at: number }
  /** Nothing was sent. `reason` is null when the target left the table meanwhile. */
  | { readonly kind: 'unsent'; readonly reason: TargetError | null }
  /** Sent, and no byte came back. */
  | { readonly kind: 'unanswered'; readonly reason: TargetError; readonly past: Past }
  /** To be answered by the proxy; `reason` when it is the target's fault. */
  | { readonly kind: 'failed'; readonly answer: AnswerCode; readonly reason: TargetError | null }
  /** Begun and cut short. */
  | { readonly kind: 'broken'; readonly status: number; readonly reason: TargetError | null }
  | { readonly kind: 'client-gone'; readonly status: number | null };

/** A try whose answer is kept back until its caller says what is to become of it. */
export interface Held {
  readonly kind: 'held';
  /** It goes to the client after all. */
  resume(): Promise<Outcome>;
  /** It is for nobody. Its connection is of use again when all has come already, and closed otherwise. */
  abort(): void;
}

export interface Forwarding {
  readonly outcome: Promise<Outcome | Held>;
  /** The client has gone. */
  abort(): void;
}
