// Shapes of the routing table as it travels (etcd, file). Durations are text (`30s`). Everything but `routes`, `split`
// and `targets` has a default.

export interface RouteEntry {
  readonly routes: readonly { readonly host?: string; readonly path?: string }[];
  readonly split: Readonly<Record<string, number>>;
  readonly targets: readonly { readonly revision: number; readonly address: string }[];
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
