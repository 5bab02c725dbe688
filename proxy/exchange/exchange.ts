// One request from its claim to its last byte: picks, parks, forwards, and tries again where that is safe. Owns no
// socket; the targets it claims it releases.
//
// INVARIANTS
// - A failed connection is nobody's fault and costs no retry: every other target is tried, then the request is parked
//   for a moment, until `park.timeout` is used up.
// - What was sent is sent again only when there was no body, no byte came back, and the method is safe or the target says
//   that it has not begun; and while the service's share of such is not spent.
import type { AccessOutcome } from '../access.ts';
import type { ClientRequest, ClientResponse } from '../clients/conversation.ts';
import { reply } from '../clients/reply.ts';
import type { RequestHead } from '../clients/request.ts';
import { ANSWERS, type AnswerCode, type Notice, type TargetError } from '../errors.ts';
import { readAffinity, renderAffinity } from '../table/affinity.ts';
import { matchesAny } from '../table/glob.ts';
import type { Wish } from '../table/picker.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Target } from '../table/target.ts';
import type { Past } from '../targets/wire.ts';
import { askElsewhere, isAsset } from './fallback.ts';
import { forward } from './forward.ts';
import { type ExchangeInput, type Held, type Job, type Outcome, type Plane, SAFE_METHODS } from './job.ts';
import { mirror } from './mirror.ts';
import { waitForTarget } from './waiting.ts';

/** Counted for a client that left before any status was sent. */
const CLIENT_GONE_STATUS = 499;

export class Exchange implements Job, Wish {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly head: RequestHead;
  readonly plane: Plane;
  readonly tunnel: Job['tunnel'];
  forced: number | null;
  preferred: number | null = null;
  tried: Set<Target> | null = null;
  setCookie: string | null = null;
  readonly #service: Service;
  readonly #secure: boolean;
  readonly #startedAt = performance.now();
  readonly #sticky: number | null;
  readonly settings: ServiceSettings;
  #forwarding: { abort(): void } | null = null;
  #gone = false;
  #target: Target | null = null;
  #retries = 0;
  /** Written on the client's connection before; asked only where somebody wants to know. */
  readonly #bytesBefore: number;
  readonly #isStrict: boolean;
  #retriesLeft: number;
  #renewed = false;
  #parkedAt: number | null = null;

  constructor(input: ExchangeInput) {
    this.request = input.request;
    this.response = input.response;
    this.head = input.head;
    this.plane = input.plane;
    this.tunnel = input.tunnel;
    this.forced = input.forced;
    this.#isStrict = input.isStrict;
    this.#service = input.service;
    this.#secure = input.secure;
    this.settings = input.settings;
    this.#retriesLeft = this.settings.retries;
    this.#bytesBefore = input.plane.access === null ? 0 : input.request.socket.bytesWritten;
    const { affinity } = this.settings;
    this.#sticky =
      affinity === null || input.head.cookie === '' ? null : readAffinity(input.head.cookie, affinity);
    this.preferred = this.#sticky;
  }

  /** Resolves when the request has ended, one way or another. */
  async run(): Promise<void> {
    try {
      await this.#pursue();
    } finally {
      this.#service.lot.depart(this);
    }
  }

  /** Who waited because no target took a connection tells the others. */
  connected(): void {
    if (this.#parkedAt !== null) this.#service.lot.tellReachable();
  }

  async #pursue(): Promise<void> {
    const { maxBodyBytes, maintenance } = this.settings;
    if (maintenance !== null && !matchesAny(maintenance.allow, this.head.path))
      return this.#answer('maintenance', maintenance);
    this.#service.budget.note(this.#startedAt);
    if (maxBodyBytes !== null && (this.head.contentLength ?? 0) > maxBodyBytes)
      return this.#answer('body-too-large');
    this.response.once('close', () => this.#leave());
    while (!this.#gone) {
      const target = this.#service.claim(this);
      if (target === null) {
        const refusal = this.#widen() ? null : await this.#park();
        if (refusal !== null) return this.#answer(refusal);
        continue;
      }
      try {
        if (this.#conclude(await this.#forward(target), target)) return;
      } finally {
        target.release();
      }
    }
    this.#count(CLIENT_GONE_STATUS, 'client-gone');
  }

  /** Who matches is served by others when none of the revision takes connections; a preview is not. */
  #widen(): boolean {
    if (this.forced === null || this.#isStrict) return false;
    this.forced = null;
    return true;
  }

  async #forward(target: Target): Promise<Outcome> {
    const isFirst = this.#target === null && this.tunnel === null && this.#service.entry.mirror !== null;
    this.#target = target;
    const { affinity } = this.settings;
    const wanted = affinity !== null && this.forced === null && this.#sticky !== target.revision;
    const cookie = wanted ? renderAffinity(affinity, target.revision, this.#secure) : null;
    const trying = this.#tryOn(target, cookie);
    if (isFirst) mirror(this.head, this.#service, target.revision, this.plane.deadlines);
    const outcome = await trying;
    if (outcome.kind !== 'held') return outcome;
    const tryOn = (other: Target) => this.#tryOn(other, null);
    const second = await askElsewhere(outcome, target.revision, this.#service, tryOn);
    if (second === null) return this.#resume(outcome, cookie);
    this.#target = second.target;
    this.#retries += 1;
    return second.outcome;
  }

  #tryOn(target: Target, cookie: string | null): Promise<Outcome | Held> {
    this.setCookie = cookie;
    const forwarding = forward(this, target);
    this.#forwarding = forwarding;
    return forwarding.outcome;
  }

  #resume(held: Held, cookie: string | null): Promise<Outcome> {
    this.setCookie = cookie;
    this.#forwarding = held;
    return held.resume();
  }

  looksElsewhere(): boolean {
    return this.tunnel === null && isAsset(this.head, this.settings);
  }

  /** True when it is over; otherwise another try follows. */
  #conclude(outcome: Outcome, target: Target): boolean {
    if ('reason' in outcome && outcome.reason !== null)
      this.#service.countersOf(target.revision)?.fail(outcome.reason);
    switch (outcome.kind) {
      case 'answered':
        this.#count(outcome.status, 'answered', outcome.at);
        return true;
      case 'client-gone':
        this.#count(outcome.status ?? CLIENT_GONE_STATUS, 'client-gone');
        return true;
      case 'broken':
        this.#count(outcome.status, 'cut');
        return true;
      case 'failed':
        this.#answer(outcome.answer);
        return true;
      case 'unsent':
        this.#countRetry();
        this.#tryElsewhere(target, outcome.reason);
        return false;
      case 'unanswered':
        return this.#concludeUnanswered(outcome.past, outcome.reason, target);
    }
  }

  #concludeUnanswered(past: Past, reason: TargetError, target: Target): boolean {
    const { method, hasBody } = this.head;
    const repeatable = (past === 'refused' || SAFE_METHODS.has(method)) && !hasBody && this.tunnel === null;
    // It had been idle, and its target closed it just then: a new connection tells whether the target is well.
    const renew = past !== 'new' && !this.#renewed;
    if (!repeatable || (!renew && this.#retriesLeft === 0) || !this.#service.mayRepeat()) {
      this.#answer('target-failed');
      return true;
    }
    this.#retries += 1;
    if (renew) {
      this.#renewed = true;
      target.pool.dropIdle(0);
      this.preferred = target.revision;
      return false;
    }
    this.#retriesLeft -= 1;
    this.#tryElsewhere(target, reason);
    return false;
  }

  /** Stays with the revision while that has another target: the split has counted this request already. */
  #tryElsewhere(target: Target, reason: TargetError | null): void {
    this.preferred = target.revision;
    if (reason === null) return;
    this.#service.passOver(target, reason);
    this.tried ??= new Set();
    this.tried.add(target);
  }

  /** Null when it is worth another try, otherwise what to answer. */
  async #park(): Promise<AnswerCode | null> {
    this.#parkedAt ??= performance.now();
    const refusal = await waitForTarget(this.#service, this, this.#parkedAt);
    this.tried = null;
    return refusal;
  }

  /** The client has gone, or all is sent: node tells both the same way. */
  #leave(): void {
    if (this.response.writableFinished) return;
    this.#gone = true;
    this.#forwarding?.abort();
    this.#service.lot.leave(this);
  }

  #answer(code: AnswerCode, notice: Notice | null = null): void {
    const fields = this.settings.missingHeaders;
    if (!this.#gone) reply(this, code, { ...this.head, closing: this.plane.closing, fields, notice });
    this.#count(ANSWERS[code].status, this.#gone ? 'client-gone' : code);
  }

  #countRetry(): void {
    this.#retries += 1;
    this.#service.retries += 1;
  }

  /** Once, at its end. */
  #count(status: number, outcome: AccessOutcome, at = performance.now()): void {
    const revision = this.#target?.revision ?? null;
    const counters = revision === null ? undefined : this.#service.countersOf(revision);
    if (counters === undefined) this.#service.countUnserved(status);
    else counters.observe(status, (at - this.#startedAt) / 1_000);
    this.plane.access?.note({
      ...{ request: this.request, head: this.head, status, outcome, startedAt: this.#startedAt },
      ...{ bytesBefore: this.#bytesBefore, service: this.#service.name, revision },
      ...{ target: this.#target, retries: this.#retries },
    });
  }
}
