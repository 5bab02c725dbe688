// Shapes of the routing table as it travels (etcd, file). Durations are text (`30s`). Everything but `routes`, `split`
// and `targets` has a default.
import type { Notice } from '../errors.ts';
import type { Glob } from './glob.ts';

export interface RouteEntry {
  readonly routes: readonly { readonly host?: string; readonly path?: string }[];
  readonly split: Readonly<Record<string, number>>;
  readonly targets: readonly {
    readonly revision: number;
    readonly address: string;
    /** HTTP/2 with prior knowledge; HTTP/1.1 where it is not said. */
    readonly protocol?: 'h2c';
  }[];
  readonly roles?: { readonly stable: number | null; readonly candidate: number | null };
  readonly coming?: boolean;
  readonly preview?: {
    readonly revision: number;
    readonly host?: string;
    readonly header?: { readonly name: string; readonly value: string };
    readonly cookie?: { readonly name: string; readonly value: string };
  } | null;
  readonly match?: {
    readonly revision: number;
    readonly header?: { readonly name: string; readonly value: string };
    readonly cookie?: { readonly name: string; readonly value: string };
  } | null;
  readonly mirror?: { readonly revision: number; readonly percent: number } | null;
  readonly proxy?: {
    readonly timeout?: string;
    readonly idle_timeout?: string;
    readonly retries?: number;
    readonly park?: { readonly timeout?: string; readonly max_requests?: number };
    readonly affinity?: { readonly cookie: string; readonly ttl: string } | null;
    readonly max_body?: number | null;
    readonly headers?: Readonly<Record<string, string>>;
    readonly ejection?: { readonly errors?: number; readonly time?: string } | null;
    readonly slow_start?: string | null;
    /** Percent. */
    readonly retry_budget?: number;
    readonly assets?: readonly string[];
    readonly maintenance?: {
      readonly message?: string;
      readonly retry_after?: string;
      readonly allow?: readonly string[];
    } | null;
  };
}

export interface TableFile {
  readonly version: number;
  readonly services: Readonly<Record<string, RouteEntry>>;
}

/** One service's entry once it is checked (by `entry`): every default filled in, durations in milliseconds. */
export interface ServiceEntry {
  /** As it came, for the snapshot on disk. */
  readonly raw: unknown;
  /** Host `*` is every host. Paths have no slash at their end, but for `/` itself. */
  readonly routes: readonly { readonly host: string; readonly path: string }[];
  /** Revisions with a weight above 0, ascending; the weights sum to 100, or there is none. */
  readonly split: readonly Share[];
  readonly targets: readonly TargetAddress[];
  readonly roles: { readonly stable: number | null; readonly candidate: number | null };
  readonly coming: boolean;
  readonly preview: Preview | null;
  /** Leads to its revision as long as that takes connections; a preview leads nowhere else. */
  readonly match: (Match & { readonly revision: number }) | null;
  /** Percent of the safe requests to others that this revision is sent as well, 1 to 100. */
  readonly mirror: { readonly revision: number; readonly percent: number } | null;
  readonly settings: ServiceSettings;
}

export interface Share {
  readonly revision: number;
  readonly weight: number;
}

export interface TargetAddress {
  /** `<revision>@<address>`, the identity that acknowledgements carry: what a revision speaks is part of it. */
  readonly id: string;
  readonly revision: number;
  readonly host: string;
  readonly port: number;
  readonly isH2c: boolean;
}

/** What is given must match, all of it. The header's name is in lower case. */
export interface Match {
  readonly header: { readonly name: string; readonly value: string } | null;
  readonly cookie: { readonly name: string; readonly value: string } | null;
}

export interface Preview extends Match {
  readonly revision: number;
  readonly host: string | null;
}

export interface Affinity {
  readonly cookie: string;
  readonly ttlSeconds: number;
}

export interface ServiceSettings {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly retries: number;
  readonly parkTimeoutMs: number;
  readonly parkMaxRequests: number;
  readonly affinity: Affinity | null;
  readonly maxBodyBytes: number | null;
  /** After so many connections in a row that a target did not take, and for how long at first. */
  readonly ejection: { readonly errors: number; readonly timeMs: number } | null;
  /** Over which a target that joins others gets its full share; 0: at once. */
  readonly slowStartMs: number;
  /** Of the requests that came lately, how many may be sent a second time. */
  readonly retryPercent: number;
  /** A 404 at such a path is asked of another revision. */
  readonly assets: readonly Glob[];
  /** Where it is given, only requests at the allowed paths go to targets. */
  readonly maintenance: (Notice & { readonly allow: readonly Glob[] }) | null;
  /** Set on every response, in place of the target's own of that name: name, value, name, value, … */
  readonly headers: readonly string[];
  /** Their names in lower case. */
  readonly headerNames: ReadonlySet<string>;
  /** Set where the response has none of that name: name, value, name, value, … */
  readonly missingHeaders: readonly string[];
}
