// What an operator wants of one service, normalised: every default filled in, durations in milliseconds, sizes in
// bytes. `src/spec` produces it from YAML or JSON; nothing here parses or validates.

export type StrategyType = 'recreate' | 'rolling' | 'blue-green' | 'canary';
export type Order = 'start-first' | 'stop-first';
export type PullPolicy = 'missing' | 'always' | 'never';
export type FailureAction = 'rollback' | 'pause';

/** A number of replicas, or a percentage of `replicas`. */
export type Amount = { readonly count: number } | { readonly percent: number };

export interface ServiceSpec {
  readonly image: string;
  readonly pull: PullPolicy;
  readonly replicas: number;
  readonly routes: readonly RouteRule[];
  readonly settings: RevisionSettings;
  readonly strategy: StrategySpec;
  readonly rollback: { readonly parallelism: number; readonly order: Order };
  readonly drainTimeoutMs: number;
  readonly proxy: ProxySettings;
  readonly history: number;
}

/** Host `*` is every host; `*.example.com` is any one or more labels below; longest path wins, on whole segments. */
export interface RouteRule {
  readonly host: string;
  readonly path: string;
}

/** The part of the spec that makes a revision: a change of any of it starts a rollout. */
export interface RevisionSettings {
  readonly port: number | null;
  /** What is spoken on the port; HTTP/1.1 where it is not said. */
  readonly protocol?: 'h2c';
  readonly healthcheck: Healthcheck;
  readonly container: ContainerSettings;
}

/** Environment is a sorted map; everything absent is left to the engine or to the image. */
export interface ContainerSettings {
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly volumes: readonly VolumeMount[];
  readonly networks: readonly string[];
  readonly init?: boolean;
  readonly readOnly?: boolean;
  readonly privileged?: boolean;
  readonly capDrop: readonly string[];
  readonly capAdd: readonly string[];
  readonly securityOpt: readonly string[];
  readonly tmpfs: readonly string[];
  readonly ulimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly extraHosts: readonly string[];
  readonly cpus?: number;
  readonly memLimitBytes?: number;
  readonly pidsLimit?: number;
  readonly shmSizeBytes?: number;
  readonly stopSignal?: string;
  readonly stopGracePeriodMs: number;
  /** The engine's own policy: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`. */
  readonly restart: string;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
}

/** A bind mount (absolute host path) or a named volume. */
export interface VolumeMount {
  readonly type: 'bind' | 'volume';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * `auto`: the image's own HEALTHCHECK when it declares one, else TCP on the port, else "the container runs".
 * `image`: the image's HEALTHCHECK command, run by us on our schedule.
 */
export type ProbeKind =
  | { readonly kind: 'auto' }
  | {
      readonly kind: 'http';
      readonly path: string;
      readonly status: readonly StatusRange[];
      /** As on the port that takes traffic. */
      readonly protocol?: 'h2c';
    }
  | { readonly kind: 'tcp' }
  | { readonly kind: 'exec'; readonly test: readonly string[] }
  | { readonly kind: 'image' }
  | { readonly kind: 'none' };

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface Healthcheck {
  readonly probe: ProbeKind;
  readonly intervalMs: number;
  readonly startIntervalMs: number;
  readonly timeoutMs: number;
  /** Consecutive failures until unhealthy ("fall"). */
  readonly retries: number;
  /** Consecutive successes until ready. */
  readonly rise: number;
  /** Failures in it do not count. */
  readonly startPeriodMs: number;
}

export interface StrategyCommon {
  readonly minReadyMs: number;
  readonly progressDeadlineMs: number;
  readonly monitorMs: number;
  readonly failureAction: FailureAction;
  readonly maxFailureRatio: number;
}

export type StrategySpec =
  | (StrategyCommon & { readonly type: 'recreate' })
  | (StrategyCommon & { readonly type: 'rolling' } & RollingSettings)
  | (StrategyCommon & { readonly type: 'blue-green' } & BlueGreenSettings)
  | (StrategyCommon & { readonly type: 'canary'; readonly steps: readonly CanaryStep[] });

/** `surge` and `unavailable` as written; start-first with parallelism p is surge p, unavailable 0. */
export interface RollingSettings {
  readonly surge: Amount;
  readonly unavailable: Amount;
  readonly delayMs: number;
}

export interface BlueGreenSettings {
  readonly promotion: 'auto' | 'manual';
  readonly preview: Preview | null;
  readonly keepOldMs: number;
}

/** What tells a request: a header, a cookie, or both together. */
export interface Match {
  readonly header?: { readonly name: string; readonly value: string };
  readonly cookie?: { readonly name: string; readonly value: string };
}

/** A way to the candidate before it is live: by host, by a match, or by both together. */
export interface Preview extends Match {
  readonly host?: string;
}

export type CanaryStep =
  | {
      readonly kind: 'weight';
      /** 0 before the first weight, where a match or a mirror goes before it. */
      readonly weight: number;
      readonly replicas: Amount | null;
      /** Requests that go to the candidate whatever the weight. */
      readonly match?: Match;
      /** Percent of the safe requests of others that are sent to the candidate as well. */
      readonly mirror?: number;
    }
  | { readonly kind: 'pause'; readonly durationMs: number }
  | { readonly kind: 'pause-manual' };

/** How the proxies treat the requests of this service. */
export interface ProxySettings {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly retries: number;
  readonly park: { readonly timeoutMs: number; readonly maxRequests: number };
  readonly affinity: { readonly cookie: string; readonly ttlMs: number } | null;
  readonly maxBodyBytes: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: a target that takes no connections is asked on. */
  readonly ejection: { readonly errors: number; readonly timeMs: number } | null;
  /** Null: a target that joins others gets its full share at once. */
  readonly slowStartMs: number | null;
  readonly retryPercent: number;
  /** Paths, with `*` for any characters, at which a 404 is asked of the other revision. */
  readonly assets: readonly string[];
  /** While it is given, only requests at `allow` reach replicas; all others are told the message, text or HTML. */
  readonly maintenance: {
    readonly message: string;
    readonly retryAfterMs: number;
    readonly allow: readonly string[];
  } | null;
}
