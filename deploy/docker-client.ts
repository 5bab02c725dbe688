// The way to the engine's API: one client for short calls on pooled sockets, one for streams and slow calls (a stop takes
// its grace) on sockets of their own, the API version negotiated anew after every loss. Knows nothing of containers.
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import pRetry from 'p-retry';
import { withDeadline } from './deadline.ts';
import { ask } from './docker-ask.ts';
import { EngineConnections } from './docker-connections.ts';
import { guardConnection, requirePermit } from './docker-permit.ts';
import { describeEndpoint, type EngineEndpoint } from './endpoint.ts';
import { isSocketError, statusOf, toEngineFailure } from './engine-words.ts';
import { RuntimeFailure } from './errors.ts';
import { isRecord } from './line-reader.ts';
import type { Permit } from './runtime.ts';

/** What metrics hear of every call. */
export type CallObserver = (action: string, outcome: 'ok' | 'failed', seconds: number) => void;

export interface ClientOptions {
  readonly endpoint: EngineEndpoint;
  readonly onCall?: CallObserver | undefined;
  /** For calls that the engine answers from memory. */
  readonly controlTimeoutMs?: number | undefined;
}

export interface CallOptions {
  /** The word for metrics: `start`, `inspect`, … */
  readonly action: string;
  /** On what, for messages. */
  readonly subject: string;
  readonly timeoutMs?: number;
  /** May be sent twice: retried once when a pooled socket turns out to be dead. */
  readonly safe?: boolean;
  /** Of a call that changes something: asked right before each time that it is sent. */
  readonly permit?: Permit;
  readonly signal?: AbortSignal | undefined;
}

interface Session {
  readonly apiVersion: string;
  readonly engine: string;
  readonly isPodman: boolean;
  readonly control: Docker;
  readonly streams: Docker;
}

/** The newest API version that this adapter was written against; the engine's own is used when it is older. */
const NEWEST_KNOWN_API = '1.51';
const CONTROL_TIMEOUT_MS = 15_000;

export class EngineClient {
  readonly #endpoint: EngineEndpoint;
  readonly #onCall: CallObserver;
  readonly #controlTimeoutMs: number;
  readonly #connections: EngineConnections;
  #session: Promise<Session> | null = null;

  constructor({ endpoint, onCall, controlTimeoutMs }: ClientOptions) {
    this.#endpoint = endpoint;
    this.#onCall = onCall ?? (() => undefined);
    this.#controlTimeoutMs = controlTimeoutMs ?? CONTROL_TIMEOUT_MS;
    this.#connections = new EngineConnections(endpoint, this.#controlTimeoutMs);
  }

  get endpoint(): EngineEndpoint {
    return this.#endpoint;
  }

  async session(): Promise<Session> {
    this.#session ??= this.#negotiate();
    const session = this.#session;
    try {
      return await session;
    } catch (error) {
      this.#forget(session);
      throw error;
    }
  }

  /** One request with one reply. */
  async call<T>(options: CallOptions, run: (docker: Docker, signal: AbortSignal) => Promise<T>): Promise<T> {
    return await this.#observed(options, async () => {
      const session = await this.session();
      const deadline = this.#deadline(options);
      const shared = deadline.timeoutMs > this.#controlTimeoutMs ? session.streams : session.control;
      const attempt = () =>
        withDeadline(
          deadline,
          async (signal) => await run(this.#permitted(options, session, shared), signal),
        );
      return options.safe === true ? await retryOnce(attempt, options.signal) : await attempt();
    });
  }

  /** A reply that goes on: the deadline is for its head, the signal for all of it. */
  async stream(
    options: CallOptions & { readonly signal: AbortSignal },
    run: (docker: Docker, signal: AbortSignal) => Promise<NodeJS.ReadableStream>,
  ): Promise<Readable> {
    return await this.#observed(options, async () => {
      const session = await this.session();
      const reply = await withDeadline(this.#deadline(options), async (signal) => {
        return await run(this.#permitted(options, session, session.streams), signal);
      });
      return abortable(reply, options.signal);
    });
  }

  /** What changes something goes out on a connection of its own, under its permit; all else by the shared client. */
  #permitted({ action, subject, permit }: CallOptions, { apiVersion }: Session, shared: Docker): Docker {
    if (permit === undefined) return shared;
    const what = `${action} ${subject}`;
    requirePermit(permit, what);
    const own = guardConnection(this.#connections.open(), permit, what);
    return this.#connections.connect(own, apiVersion);
  }

  close(): void {
    this.#connections.close();
  }

  async #observed<T>(options: CallOptions, run: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const { pooled } = this.#connections;
    const report = (outcome: 'ok' | 'failed') =>
      this.#onCall(options.action, outcome, (performance.now() - began) / 1000);
    try {
      const answer = await run();
      report('ok');
      return answer;
    } catch (error) {
      report('failed');
      const failure = toEngineFailure(error, `${options.action} ${options.subject}`);
      if (mayHaveChanged(error, failure)) this.#session = null;
      if (failure.code === 'timeout') this.#connections.replace(pooled);
      throw failure;
    }
  }

  #deadline({ action, subject, timeoutMs, signal }: CallOptions) {
    return { timeoutMs: timeoutMs ?? this.#controlTimeoutMs, what: `${action} ${subject}`, signal };
  }

  async #negotiate(): Promise<Session> {
    const what = `reach the engine at ${describeEndpoint(this.#endpoint)}`;
    const { pooled, single } = this.#connections;
    const plain = this.#connections.connect(pooled, undefined);
    const negotiate = () =>
      withDeadline({ timeoutMs: this.#controlTimeoutMs, what }, (abortSignal) =>
        ask(plain, '/version', abortSignal),
      );
    const reply: unknown = await retryOnce(negotiate, undefined).catch((error: unknown) => {
      throw toEngineFailure(error, what);
    });
    const { newest, oldest, engine, isPodman } = parseVersion(reply, what);
    const apiVersion = chooseApiVersion(newest, oldest);
    return {
      apiVersion,
      engine,
      isPodman,
      control: this.#connections.connect(pooled, apiVersion),
      streams: this.#connections.connect(single, apiVersion),
    };
  }

  #forget(session: Promise<Session>): void {
    if (this.#session === session) this.#session = null;
  }
}

function parseVersion(reply: unknown, what: string) {
  if (!isRecord(reply) || typeof reply.ApiVersion !== 'string') {
    throw new RuntimeFailure('engine-unavailable', `${what}: what answers there is not a Docker engine`);
  }
  return {
    newest: reply.ApiVersion,
    oldest: typeof reply.MinAPIVersion === 'string' ? reply.MinAPIVersion : undefined,
    engine: typeof reply.Version === 'string' ? reply.Version : 'unknown',
    isPodman: /podman/i.test(JSON.stringify(reply.Components ?? [])),
  };
}

/** The newest version that both sides speak; exported for its table test. */
export function chooseApiVersion(newest: string, oldest: string | undefined): string {
  if (oldest !== undefined && compareVersions(oldest, NEWEST_KNOWN_API) > 0) return oldest;
  return compareVersions(newest, NEWEST_KNOWN_API) < 0 ? newest : NEWEST_KNOWN_API;
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** After a restart of the engine the first use of a pooled socket fails; the second is a new one. */
async function retryOnce<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return await pRetry(attempt, {
    retries: 1,
    minTimeout: 20,
    maxTimeout: 50,
    maxRetryTime: 60_000,
    shouldRetry: ({ error }) => isSocketError(error),
    ...(signal === undefined ? {} : { signal }),
  });
}

function mayHaveChanged(error: unknown, failure: RuntimeFailure): boolean {
  const refusedVersion =
    statusOf(error) === 400 && /client version .* is too (old|new)/i.test(failure.message);
  return failure.code === 'engine-unavailable' || failure.code === 'timeout' || refusedVersion;
}

function abortable(reply: NodeJS.ReadableStream, signal: AbortSignal): Readable {
  if (!isReadable(reply)) throw new RuntimeFailure('engine-error', 'the engine’s reply is no stream');
  const giveUp = () => reply.destroy(new RuntimeFailure('cancelled', 'the stream was given up'));
  // Whoever reads sees the error; between two reads nobody listens, and it must not be uncaught.
  reply.on('error', () => undefined);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  reply.once('close', () => signal.removeEventListener('abort', giveUp));
  return reply;
}

function isReadable(reply: NodeJS.ReadableStream): reply is Readable {
  return 'destroy' in reply && 'readableEnded' in reply;
}
