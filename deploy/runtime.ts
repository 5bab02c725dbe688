// The port to whatever runs containers, in our own types. dockerode implements it in `docker`; a Swarm could too.
// Every call has a deadline of its own and throws only `RuntimeFailure` (see `errors`).
import type { ContainerState, ProbeResult, Revision } from '../strategies/model.ts';

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

export interface LogOptions {
  readonly tail: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface ContainerRuntime {
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** All containers with our labels and this prefix, in every state, sorted by name; of one service when given. */
  list(prefix: string, service?: string): Promise<readonly (ContainerState & { readonly service: string })[]>;
  /** Resolves a tag once; throws `RuntimeFailure` with a `pull` kind. */
  resolveImage(request: PullRequest): Promise<ResolvedImage>;
  /** Creates and starts. A container of ours with that name and revision that is merely created is started; a foreign one is a `name-conflict`. */
  start(request: CreateRequest): Promise<void>;
  /** SIGTERM (or the container's stop signal), grace, SIGKILL. A container that is gone or stopped is success. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Removes a container, killing it if it still runs; gone is success. Anonymous volumes go with it. */
  remove(id: string): Promise<void>;
  /** The last lines, oldest first, without timestamps; at most 64 KiB are read. */
  tailLog(id: string, lines: number): Promise<readonly string[]>;
  streamLog(id: string, options: LogOptions): AsyncIterable<string>;
  /** Runs a command in the container; `ok` when it exits 0 in time. */
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<ProbeResult>;
  /** The HEALTHCHECK command that the container's image declares, in Docker's form, or null. */
  imageHealthcheck(id: string): Promise<readonly string[] | null>;
  /** Images that ran for this service, by reference; removes those not in `keep`. Images in use, or tagged for others, stay. */
  pruneImages(image: string, keep: readonly string[], drop: readonly string[]): Promise<void>;
  /** Reconnects by itself (and then emits `reconnected`) until the signal aborts. */
  events(prefix: string, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
}
