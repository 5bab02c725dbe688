// One try of one request on one claimed target, over node's own client and its strict parser. Streams both ways and
// says how it ended; whether to try again, what to count and what to answer instead is for the caller.
//
// INVARIANTS
// - Nothing is written, and no byte of the client's body is read, before the connection stands: until then the outcome
//   is `unsent`, and any other target may be tried.
// - It settles exactly once; from then on the target's connection is back in the pool or destroyed.
// - A response that was begun and cannot be ended properly ends with the client's connection.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { AnswerRelay } from './answer.ts';
import { BodyPump } from './body.ts';
import type { Deadline } from './deadlines.ts';
import type { AnswerCode, TargetError } from './errors.ts';
import { composeResponse, findField } from './headers.ts';
import { relayInformation } from './information.ts';
import type { Forwarding, Job, Outcome } from './job.ts';
import type { Connecting, Target } from './target.ts';
import { openTunnel } from './upgrade.ts';

const CONNECT_TIMEOUT_MS = 1_000;
/** A request that must not be repeated gets no connection that has been idle for longer: it may be closing right now. */
const UNSAFE_IDLE_MS = 1_000;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function forward(job: Job, target: Target): Forwarding {
  const attempt = new Attempt(job, target);
  attempt.start();
  return attempt;
}

class Attempt implements Forwarding, Connecting, Deadline {
  deadlineAt = Number.POSITIVE_INFINITY;
  readonly outcome: Promise<Outcome>;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #job: Job;
  readonly #target: Target;
  readonly #body: BodyPump;
  #upstream: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  #phase: 'connecting' | 'sending' | 'waiting' | 'relaying' | 'tunnel' | 'settled' = 'connecting';
  #headSent = false;

  constructor(job: Job, target: Target) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#job = job;
    this.#target = target;
    this.#body = new BodyPump(job.request, job.settings.maxBodyBytes, {
      onProgress: () => this.#extend(job.settings.idleTimeoutMs),
      onSent: () => this.#await(),
      onTooLarge: () => this.#failEarly('body-too-large', null),
    });
  }

  start(): void {
    const { head, plane } = this.#job;
    if (!SAFE_METHODS.has(head.method)) this.#target.pool.dropIdle(UNSAFE_IDLE_MS);
    plane.deadlines.add(this);
    this.#extend(CONNECT_TIMEOUT_MS);
    try {
      this.#upstream = this.#open();
    } catch {
      // Only a field or a path that node refuses to send gets here; the client sent it.
      this.#settle({ kind: 'failed', answer: 'bad-request', reason: null });
    }
  }

  abort(): void {
    this.#settle({ kind: 'client-gone', status: this.#headSent ? this.#job.response.statusCode : null });
  }

  /** The target has left the table. */
  abandon(): void {
    if (this.#phase === 'connecting') this.#settle({ kind: 'unsent', reason: null });
  }

  expire(): void {
    switch (this.#phase) {
      case 'connecting':
        this.#settle({ kind: 'unsent', reason: 'connect-timeout' });
        return;
      case 'sending':
        if (this.#body.isBlocked) {
          this.#failEarly('target-timeout', 'idle-timeout');
          return;
        }
        this.#failEarly('request-timeout', null);
        return;
      case 'waiting':
        this.#failEarly('target-timeout', 'timeout');
        return;
      case 'relaying':
        this.#break('idle-timeout');
        return;
      case 'tunnel':
      case 'settled':
        return;
    }
  }

  #open(): ClientRequest {
    const { head } = this.#job;
    const upstream = request({
      agent: this.#target.pool.agent,
      host: this.#target.host,
      port: this.#target.port,
      method: head.method,
      path: head.url,
      headers: head.headers,
      setHost: false,
      insecureHTTPParser: false,
    });
    upstream.once('socket', (socket) => {
      if (!socket.connecting) return this.#send();
      this.#target.connecting.add(this);
      socket.once('connect', () => this.#send());
    });
    upstream.on('continue', () => this.#relayContinue());
    upstream.on('information', (info) => relayInformation(info, this.#job));
    upstream.once('response', (answer) => this.#relay(answer));
    upstream.once('upgrade', (answer, socket, first) => this.#goOver(answer, socket, first));
    upstream.on('error', (error) => this.#fail(error));
    upstream.once('close', () => this.#fail(new Error('closed')));
    return upstream;
  }

  #send(): void {
    const upstream = this.#upstream;
    if (this.#phase !== 'connecting' || upstream === null) return;
    this.#target.connecting.delete(this);
    if (!this.#job.head.hasBody) {
      upstream.end();
      this.#await();
      return;
    }
    this.#phase = 'sending';
    this.#extend(this.#job.settings.idleTimeoutMs);
    this.#body.start(upstream);
    // The target decides whether the body is to come: until then it is the target that is waited for.
    if (this.#job.head.expectsContinue) this.#await();
  }

  #await(): void {
    if (this.#phase === 'relaying' || this.#phase === 'settled') return;
    this.#phase = 'waiting';
    this.#extend(this.#job.settings.timeoutMs);
  }

  #relayContinue(): void {
    if (!this.#job.head.expectsContinue || this.#phase !== 'waiting') return;
    this.#phase = 'sending';
    this.#extend(this.#job.settings.idleTimeoutMs);
    this.#job.response.writeContinue();
  }

  #relay(answer: IncomingMessage): void {
    if (this.#phase === 'settled') return;
    this.#phase = 'relaying';
    this.#extend(this.#job.settings.idleTimeoutMs);
    const unread = this.#job.head.hasBody && !this.#body.isDone;
    const relay = new AnswerRelay(this.#job, answer, unread, {
      onProgress: () => this.#extend(this.#job.settings.idleTimeoutMs),
      onEnd: () => this.#settle({ kind: 'answered', status: answer.statusCode ?? 0, at: performance.now() }),
      onTruncated: () => this.#break('truncated'),
    });
    this.#answer = answer;
    this.#headSent = relay.start();
    if (!this.#headSent) this.#failEarly('target-failed', 'invalid-response');
  }

  #goOver(answer: IncomingMessage, socket: Duplex, first: Buffer): void {
    const { tunnel, response, settings, setCookie } = this.#job;
    if (tunnel === null || this.#phase === 'settled') {
      socket.destroy();
      this.#failEarly('target-failed', 'invalid-response');
      return;
    }
    this.#phase = 'tunnel';
    this.#headSent = true;
    this.deadlineAt = Number.POSITIVE_INFINITY;
    response.statusCode = 101;
    const fields = composeResponse(answer.rawHeaders, settings, false, setCookie);
    const protocol = findField(answer.rawHeaders, 'upgrade') ?? '';
    const at = performance.now();
    const { streams } = this.#job.plane;
    openTunnel({ response, client: tunnel, target: { socket, first }, protocol, fields, streams }, () =>
      this.#settle({ kind: 'answered', status: 101, at }),
    );
  }

  #fail(error: NodeJS.ErrnoException): void {
    const upstream = this.#upstream;
    if (this.#phase === 'settled' || this.#phase === 'tunnel') return;
    const reason = reasonOf(error, this.#phase === 'connecting');
    if (this.#phase === 'connecting') {
      this.#settle({ kind: 'unsent', reason });
      return;
    }
    if (this.#phase === 'relaying') {
      // Whole already, and only held back by a client that reads slowly.
      if (this.#answer?.complete !== true) this.#break('truncated');
      return;
    }
    if (reason === 'invalid-response') {
      this.#failEarly('target-failed', reason);
      return;
    }
    this.#settle({ kind: 'unanswered', reason, reused: upstream?.reusedSocket === true });
  }

  /** Before anything was relayed; afterwards there is nothing left to say. */
  #failEarly(answer: AnswerCode, reason: TargetError | null): void {
    if (this.#headSent) {
      this.#break(reason);
      return;
    }
    this.#settle({ kind: 'failed', answer, reason });
  }

  #break(reason: TargetError | null): void {
    if (this.#phase === 'settled') return;
    this.#settle({ kind: 'broken', status: this.#job.response.statusCode, reason });
    this.#job.response.destroy();
  }

  #extend(ms: number): void {
    this.deadlineAt = performance.now() + ms;
  }

  #settle(outcome: Outcome): void {
    if (this.#phase === 'settled') return;
    this.#phase = 'settled';
    this.#job.plane.deadlines.remove(this);
    this.#target.connecting.delete(this);
    this.#body.stop();
    const whole = outcome.kind === 'answered' && (this.#body.isDone || !this.#job.head.hasBody);
    if (!whole) this.#upstream?.destroy();
    this.#resolve(outcome);
  }
}

function reasonOf(error: NodeJS.ErrnoException, connecting: boolean): TargetError {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return 'connect-refused';
  if (code === 'ETIMEDOUT') return connecting ? 'connect-timeout' : 'reset';
  if (connecting) return 'connect-failed';
  return code.startsWith('HPE_') ? 'invalid-response' : 'reset';
}
