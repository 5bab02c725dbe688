// The proxy's metrics as plain numbers: counted here, rendered elsewhere. Series exist from the moment that a service
// or a revision is in the table, and go with it.
import { countTargetErrors, type TargetError, type TargetErrorCounts } from './errors.ts';

/** Upper bounds, in seconds, of the buckets of `slipway_proxy_request_seconds`; one more bucket takes the rest. */
export const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export type Role = 'stable' | 'candidate' | '';

/** Requests by class of status: 1xx, 2xx, 3xx, 4xx, 5xx. */
export type ClassCounts = readonly [number, number, number, number, number];

export interface RequestStats {
  readonly role: Role;
  readonly codes: ClassCounts;
  /** Each bucket by itself, not cumulative; as many as `SECONDS_BUCKETS` and one. */
  readonly buckets: readonly number[];
  readonly sumSeconds: number;
}

export interface RevisionStats {
  readonly revision: number;
  readonly inFlight: number;
  readonly errors: Readonly<TargetErrorCounts>;
  /** One per role that the revision has had while in the table. */
  readonly requests: readonly RequestStats[];
}

export interface MirrorStats {
  /** Answers to copies of requests, which the client never sees. */
  readonly codes: ClassCounts;
  /** No answer came. */
  readonly failed: number;
  /** Left out, because too many were under way. */
  readonly skipped: number;
}

export interface ServiceStats {
  readonly parked: number;
  /** Targets in the table that are not asked because they took no connections. */
  readonly ejected: number;
  readonly retries: number;
  readonly mirror: MirrorStats;
  /** Answered by the proxy itself, before any revision was chosen. */
  readonly unserved: ClassCounts;
  readonly revisions: readonly RevisionStats[];
}

/** Why a connection came to no request over TLS. */
export type HandshakeError =
  /** None for the host, or none that goes with what the client can do. */
  'no-certificate' | 'timeout' | 'closed' | 'protocol';

export type HandshakeErrorCounts = Record<HandshakeError, number>;

/** Every reason with its number, so that none is forgotten. */
export function countHandshakeErrors(countOf: (reason: HandshakeError) => number): HandshakeErrorCounts {
  return {
    'no-certificate': countOf('no-certificate'),
    timeout: countOf('timeout'),
    closed: countOf('closed'),
    protocol: countOf('protocol'),
  };
}

/** Why a connection was closed before anything that it had to say was served. */
export type Refusal =
  | 'limit'
  | 'address-limit'
  /** Of the PROXY protocol: from a peer that may not speak it, or with a header that is none, or that did not come. */
  | 'proxy-untrusted'
  | 'proxy-malformed'
  | 'proxy-timeout';

export type RefusalCounts = Record<Refusal, number>;

/** Every reason with its number, so that none is forgotten. */
export function countRefusals(countOf: (reason: Refusal) => number): RefusalCounts {
  return {
    limit: countOf('limit'),
    'address-limit': countOf('address-limit'),
    'proxy-untrusted': countOf('proxy-untrusted'),
    'proxy-malformed': countOf('proxy-malformed'),
    'proxy-timeout': countOf('proxy-timeout'),
  };
}

export interface ProxyStats {
  readonly tableVersion: number;
  readonly connections: number;
  readonly refused: Readonly<RefusalCounts>;
  readonly handshakeErrors: Readonly<HandshakeErrorCounts>;
  /** Requests that belong to no service. */
  readonly unrouted: ClassCounts;
  readonly services: Readonly<Record<string, ServiceStats>>;
}

export type MutableClassCounts = [number, number, number, number, number];

export function countClass(counts: MutableClassCounts, status: number): void {
  const index = Math.min(5, Math.max(1, Math.trunc(status / 100))) - 1;
  counts[index] = (counts[index] ?? 0) + 1;
}

/** One revision in one role. */
export class RequestCounters {
  readonly #role: Role;
  readonly #codes: MutableClassCounts = [0, 0, 0, 0, 0];
  readonly #buckets: number[] = Array.from({ length: SECONDS_BUCKETS.length + 1 }, () => 0);
  #sumSeconds = 0;

  constructor(role: Role) {
    this.#role = role;
  }

  observe(status: number, seconds: number): void {
    countClass(this.#codes, status);
    this.#sumSeconds += seconds;
    let index = 0;
    while (index < SECONDS_BUCKETS.length && seconds > (SECONDS_BUCKETS[index] ?? 0)) index += 1;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  stats(): RequestStats {
    return {
      role: this.#role,
      codes: [...this.#codes],
      buckets: [...this.#buckets],
      sumSeconds: this.#sumSeconds,
    };
  }
}

export class RevisionCounters {
  readonly revision: number;
  readonly #errors: TargetErrorCounts = countTargetErrors(() => 0);
  readonly #byRole = new Map<Role, RequestCounters>();
  #current: RequestCounters;

  constructor(revision: number, role: Role) {
    this.revision = revision;
    this.#current = this.#ofRole(role);
  }

  play(role: Role): void {
    this.#current = this.#ofRole(role);
  }

  observe(status: number, seconds: number): void {
    this.#current.observe(status, seconds);
  }

  fail(reason: TargetError): void {
    this.#errors[reason] += 1;
  }

  stats(inFlight: number): RevisionStats {
    const requests = [...this.#byRole.values()].map((counters) => counters.stats());
    return { revision: this.revision, inFlight, errors: { ...this.#errors }, requests };
  }

  #ofRole(role: Role): RequestCounters {
    const present = this.#byRole.get(role);
    if (present !== undefined) return present;
    const created = new RequestCounters(role);
    this.#byRole.set(role, created);
    return created;
  }
}
