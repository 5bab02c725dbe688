// The narrow waist between a request and the way it is forwarded: what a try is given, and how it can end.

import type { Duplex } from 'node:stream';
import type { ClientRequest, ClientResponse } from '../clients/conversation.ts';
import type { RequestHead } from '../clients/request.ts';
import type { AnswerCode, TargetError } from '../errors.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Past } from '../targets/wire.ts';
import type { Deadlines } from './deadlines.ts';
import type { Streams } from './streams.ts';

/** RFC 9110 9.2.1: what may be sent again when nobody knows what became of it. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** What all requests share. */
export interface Plane {
  readonly deadlines: Deadlines;
  readonly streams: Streams;
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

export interface Forwarding {
  readonly outcome: Promise<Outcome>;
  /** The client has gone. */
  abort(): void;
}
