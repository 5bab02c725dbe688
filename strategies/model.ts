// Every noun that the core, the engine and the daemon share, as readonly types. Plain data: all of it survives JSON.
import type { RevisionSettings } from './spec.ts';

export type * from './spec.ts';

/** What one probe found. */
export interface ProbeAnswer {
  readonly ok: boolean;
  /** One line for a person: `GET /health → 500`, `connect ECONNREFUSED`, … */
  readonly detail: string;
}

/** With the prober's time, by the controller's clock. */
export interface ProbeResult extends ProbeAnswer {
  readonly at: number;
}

/** Immutable once written. `settingsHash` covers repository, settings and injected configuration; `restart` makes a restart its own revision. */
export interface Revision {
  readonly number: number;
  readonly version: string;
  /** Repository without tag. */
  readonly image: string;
  readonly digest: string;
  /** What the engine is told to run: `repo@sha256:…`, or the image id of a local image. */
  readonly reference: string;
  readonly settingsHash: string;
  readonly settings: RevisionSettings;
  readonly restart: number;
  /** RFC 3339, UTC. */
  readonly created: string;
}

/** What the engine says about one of our containers. Names are derived: `<service>-r<revision>-<ordinal>`. */
export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly ordinal: number;
  readonly state: 'created' | 'running' | 'restarting' | 'paused' | 'exited' | 'dead' | 'removing';
  /** `host:port` that the proxy and the prober can reach; null while it has none or the service has no port. */
  readonly address: string | null;
  readonly startedAt: number | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** Times the engine's restart policy restarted it. */
  readonly restarts: number;
  /** The engine's words when it could not start it. */
  readonly error: string | null;
}

/** What probing one container has come to. Folded by `health`, kept in memory, started anew when the container is. */
export interface ProbeRecord {
  /** Since when ready without interruption, or null. Milliseconds since the epoch. */
  readonly readySince: number | null;
  readonly unhealthySince: number | null;
  readonly successes: number;
  readonly failures: number;
  /** When a failure last counted, or null since the last success. */
  readonly countedAt: number | null;
  readonly last: ProbeResult | null;
}

export interface Replica extends ContainerState {
  readonly probe: ProbeRecord;
  /** A stop was sent and has not ended. */
  readonly stopping: boolean;
}

/** What a command, a pull or a container action ran into; kept until it succeeds or its cause changes. */
export interface Trouble {
  /** The container name, or the image reference. */
  readonly subject: string;
  readonly action: ActionKind;
  readonly reason: Reason;
  readonly message: string;
  readonly attempts: number;
  readonly at: number;
}

export type PullFailureKind =
  | 'missing'
  | 'authentication'
  | 'rate-limit'
  | 'network'
  | 'space'
  | 'refused'
  | 'unknown';

/** A network of the spec is looked for with the image: before anything is stopped. */
export type ResolveFailureKind = PullFailureKind | 'network-missing';

/** What is known of one rollout's image: resolved once, then pinned. `attempts` counts failures in a row. */
export type ImageState =
  | { readonly kind: 'absent' }
  /** `changedAt`: when the engine last reported progress. */
  | { readonly kind: 'pulling'; readonly progress: string; readonly changedAt: number }
  | { readonly kind: 'resolved'; readonly digest: string; readonly reference: string }
  | {
      readonly kind: 'failed';
      readonly failure: ResolveFailureKind;
      readonly message: string;
      readonly attempts: number;
      readonly firstAt: number;
      readonly retryAt: number;
    };

/** A key's value with the etcd revision that wrote it. */
export interface Written<T> {
  readonly value: T;
  readonly revision: number;
}

export type CommandWord = 'promote' | 'pause' | 'resume' | 'abort' | 'retry' | 'restart' | 'rollback';

export interface Command {
  readonly word: CommandWord;
  /** Of `rollback N`. */
  readonly to: number | null;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** One live proxy, from its key under a lease. */
export interface ProxyState {
  readonly id: string;
  /** The etcd revision up to which it has applied `P/routes/`. */
  readonly applied: number;
  /** Targets that left its table and still have requests in flight: `<revision>@<address>` → count. */
  readonly busy: Readonly<Record<string, number>>;
  /** Services whose entry it refused, with the problem: it serves their former entry. */
  readonly refused: Readonly<Record<string, string>>;
}

/** Everything that `decide` may look at, beside the spec and the time. */
export interface Observed {
  readonly service: string;
  /** Since when this controller has looked at the service without a gap; what happened before, nobody has seen. */
  readonly watchedSince: number;
  /** The etcd revision of the spec's key. */
  readonly specRevision: number;
  readonly settingsHash: string;
  readonly version: Written<Parsed<string>> | null;
  readonly weights: Written<Parsed<Readonly<Record<string, number>>>> | null;
  readonly command: Written<Parsed<Command>> | null;
  /** The reason given, when this service or all of them are frozen. */
  readonly freeze: string | null;
  readonly memory: Memory;
  readonly revisions: readonly Revision[];
  readonly quarantined: readonly string[];
  /** By the `id` of the `resolve-image` action, which is the rollout's id. */
  readonly images: Readonly<Record<string, ImageState>>;
  readonly replicas: readonly Replica[];
  readonly troubles: readonly Trouble[];
  readonly proxies: readonly ProxyState[];
  /** Those that end or have ended on purpose: when their keys go they have gone, too. */
  readonly parted: readonly string[];
  /** What `P/routes/<service>` holds now. */
  readonly route: Written<RouteEntry> | null;
}

/** `P/routes/<service>`: one service's part of the routing table. Weights are integers that sum to 100, or all 0 while nothing is ready. */
export interface RouteEntry {
  readonly routes: readonly { readonly host: string; readonly path: string }[];
  readonly split: Readonly<Record<string, number>>;
  readonly roles: { readonly stable: number | null; readonly candidate: number | null };
  /** No replica is ready but one is on its way: park. */
  readonly coming: boolean;
  readonly targets: readonly RouteTarget[];
  readonly preview: (import('./spec.ts').Preview & { readonly revision: number }) | null;
  /** Go to this revision while it takes connections, whatever the split. */
  readonly match: (import('./spec.ts').Match & { readonly revision: number }) | null;
  /** Percent of the others' safe requests that this revision is sent as well. */
  readonly mirror: { readonly revision: number; readonly percent: number } | null;
  readonly proxy: RouteProxySettings;
}

export interface RouteTarget {
  readonly revision: number;
  readonly address: string;
  /** What the revision speaks; HTTP/1.1 where it is not said. */
  readonly protocol?: 'h2c';
}

/** The proxy settings as they stand in the table: durations as text, `30s`. */
export interface RouteProxySettings {
  readonly timeout: string;
  readonly idle_timeout: string;
  readonly retries: number;
  readonly park: { readonly timeout: string; readonly max_requests: number };
  readonly affinity: { readonly cookie: string; readonly ttl: string } | null;
  readonly max_body: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly ejection: { readonly errors: number; readonly time: string } | null;
  readonly slow_start: string | null;
  readonly retry_budget: number;
  readonly assets: readonly string[];
  readonly maintenance: {
    readonly message: string;
    readonly retry_after: string;
    readonly allow: readonly string[];
  } | null;
}

/** Why a service is as it is: constant words, for status, metrics and alerts. */
export type Reason =
  | 'no-version'
  | 'image-pull-failed'
  | 'image-pulling'
  | 'probe-failed'
  | 'container-exited'
  | 'out-of-memory'
  | 'container-start-failed'
  | 'settings-refused'
  | 'network-missing'
  | 'progress-deadline'
  | 'aborted-by-operator'
  | 'quarantined'
  | 'waiting-for-promotion'
  | 'step-pause'
  | 'paused-by-operator'
  | 'paused-on-failure'
  | 'store-unavailable'
  | 'engine-unavailable'
  | 'name-conflict'
  | 'port-conflict'
  | 'no-space'
  | 'policy-refused'
  | 'engine-error'
  | 'waiting-for-proxies'
  | 'draining'
  | 'starting-replicas'
  | 'stopping-replicas'
  | 'monitoring'
  | 'delay'
  | 'returning'
  | 'frozen'
  | 'manual-weights'
  | 'healing'
  | 'invalid-spec'
  | 'invalid-version'
  | 'invalid-weights'
  | 'invalid-command'
  | 'superseded'
  | 'rollback-requested'
  | 'restart-requested'
  | 'retiring'
  | 'refused'
  | 'internal-error';

export type Outcome = 'succeeded' | 'rolled-back' | 'failed' | 'superseded' | 'aborted';

export type Phase =
  | 'idle'
  | 'progressing'
  | 'paused'
  | 'monitoring'
  | 'aborting'
  | 'failed'
  | 'frozen'
  | 'invalid'
  | 'retiring';

export interface Evidence {
  readonly replica: string;
  readonly probe: string | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** The last 50 lines of its log; filled in by the executor. */
  readonly log: readonly string[];
}

/** What stays in `P/services/<service>/rollout` between passes, and nothing else does. */
export interface Memory {
  readonly stable: number | null;
  readonly nextRevision: number;
  /** What was last acted on; a rollout starts when what is asked differs from it. */
  readonly handled: Handled | null;
  readonly rollout: Rollout | null;
  readonly last: FinishedRollout | null;
  /** Earlier stable revisions, the latest last: where `rollback` goes. */
  readonly formerly: readonly number[];
  /** Containers that left the table on their way out: name → since when. */
  readonly draining: Readonly<Record<string, number>>;
  /** Those of them that a stop was decided for: they never come back, whoever decides next. */
  readonly dismissed: readonly string[];
  /** After a blue-green switch: kept running until then. */
  readonly warm: { readonly revision: number; readonly until: number } | null;
  /** While `weights` rules: version → revision. */
  readonly manual: ManualSplit | null;
  /** Starts by container name, until it has been ready for a minute: how often, and when last. */
  readonly healing: Readonly<Record<string, { readonly attempts: number; readonly at: number }>>;
  /** The answer to the last command, for `status.message`, and the etcd revision of the last one consumed. */
  readonly answer: { readonly command: number; readonly text: string; readonly refused: boolean } | null;
  /** Proxies that have to know a table: null, or since when the key of one is missing though it gave none back. */
  readonly proxies: Readonly<Record<string, number | null>>;
  /** A deadline that passed unwatched: the release is given a while before it counts, and only so often. */
  readonly overdue: Overdue | null;
  /** Why the phase is `failed`: nothing runs that was asked for, and there is nothing to return to. */
  readonly failed: boolean;
}

export interface Overdue {
  /** The deadline that it is about: another one begins anew. */
  readonly deadline: number;
  /** The beginning of the watch that was last given its while, and how many were. */
  readonly watchedSince: number;
  readonly reprieves: number;
}

export interface Handled {
  readonly version: string;
  /** The etcd revision of the version key. */
  readonly versionRevision: number;
  readonly settingsHash: string;
}

export interface ManualSplit {
  /** The etcd revision of the weights key in force. */
  readonly weightsRevision: number;
  /** When the strategy was suspended, in milliseconds since the epoch: a rollout's times move by the length of it. */
  readonly since: number;
  /** What the key says. */
  readonly requested: Readonly<Record<string, number>>;
  /** What is in force: the last split of which every version could run. */
  readonly split: Readonly<Record<string, number>>;
  readonly revisions: Readonly<Record<string, number>>;
  /** Why `requested` cannot be had. */
  readonly problem: string | null;
}

export type RolloutKind = 'release' | 'restart' | 'rollback';

/** One attempt to make a candidate stable. All times are absolute, in milliseconds since the epoch. */
export interface Rollout {
  readonly id: string;
  readonly kind: RolloutKind;
  /** The etcd revision of the write that asked for it. */
  readonly requested: number;
  readonly version: string;
  /** The candidate's revision number; its record exists once the image is resolved. */
  readonly revision: number;
  readonly resolved: boolean;
  readonly strategy: import('./spec.ts').StrategyType;
  readonly stage: 'resolving' | 'advancing' | 'monitoring' | 'returning';
  readonly startedAt: number;
  /** Moves with progress, and by the length of every pause. */
  readonly deadline: number;
  /** The furthest this rollout has come, as a number that only grows; the deadline moves with it. */
  readonly progress: number;
  /** It waits by plan: the deadline does not run, and starts anew afterwards. */
  readonly held: boolean;
  readonly step: StepState | null;
  /** Rolling with a delay: the batch that is available, by the replicas up so far, and when the next may start. */
  readonly batch: { readonly replicas: number; readonly nextAt: number } | null;
  /** Blue-green: the switch was made, or allowed. */
  readonly promoted: boolean;
  readonly monitorUntil: number | null;
  readonly paused: {
    readonly since: number;
    readonly by: 'operator' | 'failure';
    readonly reason: Reason;
  } | null;
  /** The stable revision was serving when it began: steps, min_ready and promotion gate it. */
  readonly gated: boolean;
  /** `retry`: the digest's quarantine does not count. */
  readonly insists: boolean;
  /** Container ids whose failure does not count: tolerated by `max_failure_ratio`, or forgiven by `resume`. */
  readonly forgiven: readonly string[];
  /** How many of them `max_failure_ratio` tolerated. */
  readonly tolerated: number;
  /** Troubles before this do not count. */
  readonly forgivenAt: number | null;
  /** Set when returning: what this rollout ends as. */
  readonly verdict: Verdict | null;
}

export interface StepState {
  readonly index: number;
  readonly startedAt: number;
  /** Of a timed pause. */
  readonly endsAt: number | null;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly message: string;
  readonly evidence: readonly Evidence[];
}

export interface FinishedRollout {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly strategy: import('./spec.ts').StrategyType;
  readonly requested: number;
  readonly revision: number;
  readonly version: string;
  readonly digest: string | null;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly message: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly evidence: readonly Evidence[];
}

/** What the executor can do. One batch is safe when the process dies after any prefix of it. */
export type Action =
  | {
      readonly kind: 'resolve-image';
      /** The rollout that asks: a tag is resolved once for each. */
      readonly id: string;
      readonly image: string;
      readonly version: string;
      readonly policy: 'missing' | 'always' | 'never';
      /** They must exist. */
      readonly networks: readonly string[];
    }
  | { readonly kind: 'start'; readonly name: string; readonly revision: Revision; readonly ordinal: number }
  | { readonly kind: 'stop'; readonly name: string; readonly id: string; readonly graceMs: number }
  | { readonly kind: 'remove'; readonly name: string; readonly id: string };

export type ActionKind = Action['kind'];

/** What `decide` wants written in the pass's one transaction, beside memory and status. */
export interface Writes {
  /** `undefined`: leave as it is; null: delete. */
  readonly route?: RouteEntry | null;
  readonly revisions?: readonly Omit<Revision, 'created'>[];
  readonly finished?: readonly FinishedRollout[];
  readonly quarantine?: {
    readonly digest: string;
    readonly reason: Reason;
    readonly rollout: string;
    readonly message: string;
  };
  readonly unquarantine?: string;
  /** Revisions beyond the window of `history`: their images go, then their records; asked for until they have. */
  readonly forget?: readonly number[];
  /** The service has retired: everything that the controller wrote for it goes. */
  readonly retired?: boolean;
  /** Delete the command key, which must still have this etcd revision. */
  readonly consume?: number;
}

/** What a person, a metric and the status document say of the service after this pass. */
export interface Report {
  readonly phase: Phase;
  readonly reason: Reason | null;
  readonly message: string;
  readonly next: { readonly what: string; readonly at: number | null } | null;
  readonly stable: RoleReport | null;
  readonly candidate: RoleReport | null;
  readonly step: {
    readonly index: number;
    readonly count: number;
    readonly what: string;
    readonly started: number;
    readonly ends: number | null;
  } | null;
}

export interface RoleReport {
  readonly revision: number;
  readonly version: string;
  readonly digest: string;
  readonly replicas: { readonly wanted: number; readonly ready: number; readonly total: number };
  readonly weight: { readonly desired: number; readonly effective: number };
}

export interface Plan {
  readonly memory: Memory;
  readonly writes: Writes;
  /** Carried out after the transaction has landed. */
  readonly actions: readonly Action[];
  readonly report: Report;
  /** Milliseconds since the epoch, or null: wake only on a change. */
  readonly wakeAt: number | null;
}
