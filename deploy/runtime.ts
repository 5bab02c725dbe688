// The port to whatever runs containers, in our own types. dockerode implements it in `docker`; a Swarm could too.
// Every call has a deadline of its own and throws only `RuntimeFailure` (see `errors`).
import type { ContainerState, ProbeAnswer, Revision } from '../strategies/model.ts';

/** Whether its holder may still change something. Once false, false for ever. */
export type Permit = () => boolean;

/** Identity of one container of ours, as carried by its labels. */
export interface ReplicaIdentity {
  readonly prefix: string;
  readonly service: string;
  readonly revision: number;
  readonly ordinal: number;
}

export interface CreateRequest {
  readonly identity: ReplicaIdentity;
  readonly name: string;
  readonly revision: Revision;
}

/** `exit` and `oom` are the only places where the engine tells an exit code that a restart then hides. */
export interface RuntimeEvent {
  readonly kind: 'start' | 'exit' | 'oom' | 'destroy' | 'reconnected';
  readonly service: string | null;
  readonly containerId: string | null;
  readonly exitCode: number | null;
}

export interface PullRequest {
  readonly image: string;
  readonly version: string;
  readonly policy: 'missing' | 'always' | 'never';
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** `digest` is the registry's, or the image id of a local image; `reference` is what `create` is given. */
export interface ResolvedImage {
  readonly digest: string;
  readonly reference: string;
}

export interface EngineInfo {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly rootDirectory: string;
}

/** Where a line stands in its container's log. */
export interface LogMark {
  /** When the engine took it: seconds since the epoch with nine decimals, so that texts compare as times do. */
  readonly at: string;
  /** From 1, among those of that time. */
  readonly place: number;
}

export interface LogLine {
  readonly text: string;
  /** Null where the engine told no time. */
  readonly mark: LogMark | null;
}

export interface LogOptions {
  /** How many of the lines that stand already. */
  readonly tail: number;
  /** Only what stands behind that line, and all of it: `tail` does not count then. */
  readonly after?: LogMark | null;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface ContainerRuntime {
  /** Asked on a connection of its own: one that is about to end answers on others still. */
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** All containers with our labels and this prefix, in every state, sorted by name; of one service when given. */
  list(prefix: string, service?: string): Promise<readonly (ContainerState & { readonly service: string })[]>;
  /** Resolves a tag once; throws `RuntimeFailure` with a `pull` kind. */
  resolveImage(request: PullRequest): Promise<ResolvedImage>;
  /** Throws `network-missing` for the first of them that does not exist. */
  requireNetworks(networks: readonly string[]): Promise<void>;
  /** Creates and starts. A container of ours with that name and revision that is merely created is started; a foreign one is a `name-conflict`. */
  start(request: CreateRequest): Promise<void>;
  /** SIGTERM (or the container's stop signal), grace, SIGKILL. A container that is gone or stopped is success. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Removes a container, killing it if it still runs; gone is success. Anonymous volumes go with it. */
  remove(id: string): Promise<void>;
  /** The last lines, oldest first, without timestamps; at most 64 KiB are read. */
  tailLog(id: string, lines: number): Promise<readonly string[]>;
  /** Ends when the signal aborts, or what runs in the container ends; after a restart it is to be asked for again. */
  streamLog(id: string, options: LogOptions): AsyncIterable<LogLine>;
  /** Runs a command in the container; `ok` when it exits 0 in time. */
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<ProbeAnswer>;
  /** The HEALTHCHECK command that the container's image declares, in Docker's form, or null. */
  imageHealthcheck(id: string): Promise<readonly string[] | null>;
  /** Images that ran for this service, by reference; removes those not in `keep`. Images in use, or tagged for others, stay. */
  pruneImages(image: string, keep: readonly string[], drop: readonly string[]): Promise<void>;
  /** Reconnects by itself (and then emits `reconnected`) until the signal aborts. */
  events(prefix: string, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
}
