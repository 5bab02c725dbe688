// One try of one request on one claimed target. Streams both ways and says how it ended; whether to try again, what to
// count and what to answer instead is for the caller.
//
// INVARIANTS
// - Nothing is written, and no byte of the client's body is read, before the connection stands: until then the outcome
//   is `unsent`, and any other target may be tried.
// - It settles exactly once; from then on the target's connection is back in the pool or destroyed.
// - A response that was begun and cannot be ended properly ends with the client's connection.
// - One that the caller wants to hold back (`held`) settles when the caller has said what is to become of it.
import type { Socket } from 'node:net';
import { cutOff } from '../clients/delivery.ts';
import type { AnswerCode, TargetError } from '../errors.ts';
import type { Connecting, Target } from '../table/target.ts';
import { type AnyWire, dial } from '../targets/dial.ts';
import type { ResponseHead } from '../targets/response-head.ts';
import type { WireEvents } from '../targets/wire.ts';
import { type AnswerEvents, AnswerRelay } from './answer.ts';
import { type BodyEvents, BodyPump } from './body.ts';
import type { Deadline } from './deadlines.ts';
import { relayInformation } from './information.ts';
import { type Forwarding, type Held, type Job, type Outcome, SAFE_METHODS } from './job.ts';
import { goOver } from './upgrade.ts';

const CONNECT_TIMEOUT_MS = 1_000;
/** A request that must not be repeated gets no connection that has been idle for longer: it may be closing right now. */
const UNSAFE_IDLE_MS = 1_000;

export function forward(job: Job, target: Target): Forwarding {
  return new Attempt(job, target).start();
}

type Phase = 'connecting' | 'sending' | 'waiting' | 'relaying' | 'held' | 'tunnel' | 'settled';

class Attempt implements Forwarding, Held, Connecting, Deadline, WireEvents, BodyEvents, AnswerEvents {
  deadlineAt = Number.POSITIVE_INFINITY;
  deadlinePlace = -1;
  readonly kind = 'held';
  readonly outcome: Promise<Outcome | Held>;
  #resolve: (outcome: Outcome) => void;
  readonly #job: Job;
  readonly #target: Target;
  /** Null when the request has none. */
  readonly #body: BodyPump | null;
  readonly #hand: (held: Held) => void;
  #wire: AnyWire | null = null;
  #relay: AnswerRelay | null = null;
  #phase: Phase = 'connecting';
  #headSent = false;

  constructor(job: Job, target: Target) {
    const { promise, resolve } = Promise.withResolvers<Outcome | Held>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#hand = resolve;
    this.#job = job;
    this.#target = target;
    this.#body = job.head.hasBody ? new BodyPump(job.request, job.settings.maxBodyBytes, this) : null;
  }

  start(): this {
    const { head, plane, tunnel } = this.#job;
    if (!SAFE_METHODS.has(head.method)) this.#target.pool.dropIdle(UNSAFE_IDLE_MS);
    plane.deadlines.add(this);
    this.#extend(CONNECT_TIMEOUT_MS);
    const wire = dial(this.#target, head, tunnel !== null, this);
    if (typeof wire === 'string') this.#settle({ kind: 'failed', answer: wire, reason: null });
    else {
      this.#wire = wire;
      wire.open(tunnel !== null);
    }
    return this;
  }

  abort(): void {
    this.#settle({ kind: 'client-gone', status: this.#headSent ? this.#job.response.statusCode : null });
  }

  /** The target has left the table. */
  abandon(): void {
    if (this.#phase === 'connecting') this.#settle({ kind: 'unsent', reason: null });
  }

  expire(): void {
    if (this.#phase === 'connecting') this.#settle({ kind: 'unsent', reason: 'connect-timeout' });
    else if (this.#phase === 'relaying') this.#break('idle-timeout');
    else if (this.#phase === 'waiting') this.#failEarly('target-timeout', 'timeout');
    else if (this.#phase !== 'sending') return;
    else if (this.#body?.isBlocked === true) this.#failEarly('target-timeout', 'idle-timeout');
    else this.#failEarly('request-timeout', null);
  }

  onConnecting(): void {
    if (this.#phase === 'connecting') this.#target.connecting.add(this);
  }

  onConnected(): void {
    if (this.#phase !== 'connecting' || this.#wire === null) return;
    this.#target.connecting.delete(this);
    this.#target.health.noteConnected();
    this.#job.connected();
    if (this.#body === null) {
      this.#wire.end([]);
      this.onSent();
      return;
    }
    this.#phase = 'sending';
    this.onProgress();
    this.#body.start(this.#wire);
    // The target decides whether the body is to come: until then it is the target that is waited for.
    if (this.#job.head.expectsContinue) this.onSent();
  }

  onDrained(): void {
    this.#body?.goOn();
  }

  /** Of the request's body, or of the answer's. */
  onProgress(): void {
    this.#extend(this.#job.settings.idleTimeoutMs);
  }

  onTooLarge(): void {
    this.#failEarly('body-too-large', null);
  }

  /** The request has been sent: now it is the target that is waited for. */
  onSent(): void {
    if (this.#phase === 'relaying' || this.#phase === 'settled') return;
    this.#phase = 'waiting';
    this.#extend(this.#job.settings.timeoutMs);
  }

  /** A body that came unasked may be whole by now: then it is still the answer that is waited for. */
  #continue(): void {
    const { head, response } = this.#job;
    if (!head.expectsContinue || this.#phase !== 'waiting' || this.#body?.isDone !== false) return;
    this.#phase = 'sending';
    this.onProgress();
    response.writeContinue();
  }

  onInformation(head: ResponseHead): void {
    if (this.#phase === 'settled') return;
    if (head.status === 100) this.#continue();
    else relayInformation(head, this.#job);
  }

  onAnswer(answer: ResponseHead): void {
    if (this.#phase === 'settled' || this.#wire === null) return;
    this.#relay = new AnswerRelay(this.#job, answer, this.#wire, this.#body?.isDone === false, this);
    if (answer.status === 404 && this.#job.looksElsewhere()) this.#holdBack(this.#relay);
    else this.#relayAnswer(this.#relay);
  }

  #holdBack(relay: AnswerRelay): void {
    this.#phase = 'held';
    this.deadlineAt = Number.POSITIVE_INFINITY;
    relay.hold();
    this.#hand(this);
  }

  resume(): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#resolve = resolve;
    if (this.#phase === 'held' && this.#relay !== null) this.#relayAnswer(this.#relay);
    else resolve({ kind: 'failed', answer: 'target-failed', reason: 'truncated' });
    return promise;
  }

  #relayAnswer(relay: AnswerRelay): void {
    this.#phase = 'relaying';
    this.onProgress();
    this.#headSent = relay.start();
    if (!this.#headSent) this.#failEarly('target-failed', 'invalid-response');
  }

  onRead(): void {
    this.#relay?.flush();
  }

  /** From now on it is the client that is waited for, and watched. */
  onBlocked(): void {
    this.deadlineAt = Number.POSITIVE_INFINITY;
  }

  onRelayed(status: number): void {
    this.#settle({ kind: 'answered', status, at: performance.now() });
  }

  onBody(piece: Buffer): void {
    this.#relay?.write(piece);
  }

  onEnd(trailers: readonly string[]): void {
    this.#relay?.finish(trailers);
  }

  onSwitch(answer: ResponseHead, socket: Socket, first: Buffer): void {
    const { tunnel } = this.#job;
    if (tunnel === null || this.#phase === 'settled') {
      socket.destroy();
      this.#failEarly('target-failed', 'invalid-response');
      return;
    }
    this.#phase = 'tunnel';
    this.#headSent = true;
    this.deadlineAt = Number.POSITIVE_INFINITY;
    const at = performance.now();
    const end = () => this.#settle({ kind: 'answered', status: 101, at });
    goOver(this.#job, tunnel, answer, { socket, first }, end);
  }

  onFailure(reason: TargetError): void {
    if (this.#phase === 'relaying') this.#break('truncated');
    else if (this.#phase === 'held') this.abort();
    else if (this.#phase !== 'connecting' && this.#phase !== 'sending' && this.#phase !== 'waiting') return;
    // It may speak something else: no other time will it be better.
    else if (reason === 'invalid-response' || this.#wire?.hasSpoken === true)
      this.#failEarly('target-failed', reason);
    else if (this.#phase === 'connecting') this.#settle({ kind: 'unsent', reason });
    else this.#settle({ kind: 'unanswered', reason, past: this.#wire?.past ?? 'new' });
  }

  /** Before anything was relayed; afterwards there is nothing left to say. */
  #failEarly(answer: AnswerCode, reason: TargetError | null): void {
    if (this.#headSent) this.#break(reason);
    else this.#settle({ kind: 'failed', answer, reason });
  }

  #break(reason: TargetError | null): void {
    if (this.#phase === 'settled') return;
    this.#settle({ kind: 'broken', status: this.#job.response.statusCode, reason });
    cutOff(this.#job.response);
  }

  #extend(ms: number): void {
    this.deadlineAt = performance.now() + ms;
  }

  #settle(outcome: Outcome): void {
    if (this.#phase === 'settled') return;
    this.#phase = 'settled';
    this.#job.plane.deadlines.remove(this);
    this.#target.connecting.delete(this);
    this.#body?.stop();
    this.#wire?.leave();
    this.#resolve(outcome);
  }
}
