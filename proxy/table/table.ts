// Shapes of the routing table as it travels (etcd, file). Durations are text (`30s`). Everything but `routes`, `split`
// and `targets` has a default.

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
  } | null;
  readonly proxy?: {
    readonly timeout?: string;
    readonly idle_timeout?: string;
    readonly retries?: number;
    readonly park?: { readonly timeout?: string; readonly max_requests?: number };
    readonly affinity?: { readonly cookie: string; readonly ttl: string } | null;
    readonly max_body?: number | null;
    readonly headers?: Readonly<Record<string, string>>;
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

/** What is given must match, both of them when both are. The header's name is in lower case. */
export interface Preview {
  readonly revision: number;
  readonly host: string | null;
  readonly header: { readonly name: string; readonly value: string } | null;
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
  /** Set on every response, in place of the target's own of that name: name, value, name, value, … */
  readonly headers: readonly string[];
  /** Their names in lower case. */
  readonly headerNames: ReadonlySet<string>;
  /** Set where the response has none of that name: name, value, name, value, … */
  readonly missingHeaders: readonly string[];
}
