// The access log's records: what is to be told of a request once it has ended, and which are told at all. Plain data;
// writes nothing itself.
import { isIP } from 'node:net';
import type { ClientRequest } from './clients/conversation.ts';
import { findField } from './clients/headers.ts';
import type { TrustedPeers } from './clients/trusted.ts';
import type { AnswerCode } from './errors.ts';
import type { FieldLines } from './messages/field-lines.ts';

/** `cut`: begun by the target and never ended. A code: the proxy answered in its own name. */
export type AccessOutcome = 'answered' | 'client-gone' | 'cut' | AnswerCode;

export interface AccessRecord {
  /** When it ended, in milliseconds since the epoch. */
  readonly time: number;
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  readonly status: number;
  /** Given to the client's connection, the head included. */
  readonly bytes: number;
  readonly seconds: number;
  /** Null where there was none to find, or none was chosen. */
  readonly service: string | null;
  readonly revision: number | null;
  readonly target: string | null;
  readonly retries: number;
  readonly outcome: AccessOutcome;
}

/** One request that has ended. */
export interface Ending {
  readonly request: ClientRequest;
  readonly head: {
    readonly requestId: string;
    readonly host: string;
    readonly path: string;
    /** As they went to the target; none of a request that was refused for its form. */
    readonly headers: FieldLines;
  };
  readonly status: number;
  readonly outcome: AccessOutcome;
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** Written on the connection before it began. */
  readonly bytesBefore: number;
  readonly service?: string;
  readonly revision?: number | null;
  readonly target?: { readonly host: string; readonly port: number } | null;
  readonly retries?: number;
}

/** So that a line is never longer than what goes into a pipe in one piece. */
const [MAX_PATH, MAX_CLIENT] = [1_024, 64];

export class AccessLog {
  readonly #share: number;
  readonly #trusted: TrustedPeers;
  readonly #write: (record: AccessRecord) => void;

  /** `share`: of those that went well, from 0 to 1; all others are told always. */
  constructor(share: number, trusted: TrustedPeers, write: (record: AccessRecord) => void) {
    this.#share = share;
    this.#trusted = trusted;
    this.#write = write;
  }

  note(ending: Ending): void {
    if (hasFailed(ending) || Math.random() < this.#share) this.#write(this.#compose(ending));
  }

  #compose({ request, head, ...ending }: Ending): AccessRecord {
    const { target = null } = ending;
    return {
      time: Date.now(),
      requestId: head.requestId,
      client: this.#findClient(request, head.headers.list),
      method: request.method ?? '',
      host: head.host,
      path: head.path.slice(0, MAX_PATH),
      status: ending.status,
      bytes: request.socket.bytesWritten - ending.bytesBefore,
      seconds: Math.round((performance.now() - ending.startedAt) * 1_000) / 1_000_000,
      service: ending.service ?? null,
      revision: ending.revision ?? null,
      target: target === null ? null : `${target.host}:${target.port}`,
      retries: ending.retries ?? 0,
      outcome: ending.outcome,
    };
  }

  /** The last one on the way to us that is none of those before us. */
  #findClient({ client: peer }: ClientRequest, headers: readonly string[]): string {
    const way = findField(headers, 'x-forwarded-for')?.split(',') ?? [peer.address];
    let client = '';
    for (const each of way.reverse()) {
      client = each.trim();
      if (isIP(client) === 0 || !this.#trusted.has(client)) break;
    }
    return client.slice(0, MAX_CLIENT);
  }
}

/** By the proxy or its target; what a target answers is its own affair, and a client may leave. */
function hasFailed({ status, outcome }: Ending): boolean {
  return outcome === 'cut' || (status >= 500 && outcome !== 'answered' && outcome !== 'client-gone');
}
