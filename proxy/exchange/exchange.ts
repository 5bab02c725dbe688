// One request from its claim to its last byte: picks, parks, forwards, and tries again where that is safe. Owns no
// socket; the targets it claims it releases.
//
// INVARIANTS
// - A failed connection is nobody's fault and costs no retry: every other target is tried, then the request is parked
//   for a moment, until `park.timeout` is used up.
// - What was sent is sent again only when there was no body, no byte came back, and the method is safe or the target says
//   that it has not begun.
import type { ClientRequest, ClientResponse } from '../clients/conversation.ts';
import { reply } from '../clients/reply.ts';
import type { RequestHead } from '../clients/request.ts';
import { ANSWERS, type AnswerCode, type TargetError } from '../errors.ts';
import { readAffinity, renderAffinity } from '../table/affinity.ts';
import type { Wish } from '../table/picker.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Target } from '../table/target.ts';
import type { Past } from '../targets/wire.ts';
import { forward } from './forward.ts';
import { type Forwarding, type Job, type Outcome, type Plane, SAFE_METHODS } from './job.ts';

/** When no target takes a connection, how soon one of those who wait tries them all again. */
const RETRY_MS = 75;
/** Counted for a client that left before any status was sent. */
const CLIENT_GONE_STATUS = 499;

export interface ExchangeInput {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly head: RequestHead;
  readonly service: Service;
  readonly plane: Plane;
  /** The service's, with what is to be added for this client. */
  readonly settings: ServiceSettings;
  readonly secure: boolean;
  readonly tunnel: Job['tunnel'];
  /** The revision of a preview, or null. */
  readonly forced: number | null;
}

export class Exchange implements Job, Wish {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly head: RequestHead;
  readonly plane: Plane;
  readonly tunnel: Job['tunnel'];
  readonly forced: number | null;
  preferred: number | null = null;
  tried: Set<Target> | null = null;
  setCookie: string | null = null;
  readonly #service: Service;
  readonly #secure: boolean;
  readonly #startedAt = performance.now();
  readonly #sticky: number | null;
  readonly #settings: ServiceSettings;
  #forwarding: Forwarding | null = null;
  #gone = false;
  #revision: number | null = null;
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
    this.#service = input.service;
    this.#secure = input.secure;
    this.#settings = input.settings;
    this.#retriesLeft = this.#settings.retries;
    const { affinity } = this.#settings;
    this.#sticky =
      affinity === null || input.head.cookie === '' ? null : readAffinity(input.head.cookie, affinity);
    this.preferred = this.#sticky;
  }

  get settings(): ServiceSettings {
    return this.#settings;
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
    const { maxBodyBytes } = this.#settings;
    if (maxBodyBytes !== null && (this.head.contentLength ?? 0) > maxBodyBytes)
      return this.#answer('body-too-large');
    this.response.once('close', () => this.#leave());
    while (!this.#gone) {
      const target = this.#service.claim(this);
      if (target === null) {
        const refusal = await this.#park();
        if (refusal !== null) return this.#answer(refusal);
        continue;
      }
      try {
        if (this.#conclude(await this.#forward(target), target)) return;
      } finally {
        target.release();
      }
    }
    this.#count(CLIENT_GONE_STATUS);
  }

  async #forward(target: Target): Promise<Outcome> {
    this.#revision = target.revision;
    const { affinity } = this.#settings;
    const wanted = affinity !== null && this.forced === null && this.#sticky !== target.revision;
    this.setCookie = wanted ? renderAffinity(affinity, target.revision, this.#secure) : null;
    this.#forwarding = forward(this, target);
    const outcome = await this.#forwarding.outcome;
    this.#forwarding = null;
    return outcome;
  }

  /** True when it is over; otherwise another try follows. */
  #conclude(outcome: Outcome, target: Target): boolean {
    if ('reason' in outcome && outcome.reason !== null) this.#blame(target, outcome.reason);
    switch (outcome.kind) {
      case 'answered':
        this.#count(outcome.status, outcome.at);
        return true;
      case 'client-gone':
        this.#count(outcome.status ?? CLIENT_GONE_STATUS);
        return true;
      case 'broken':
        this.#count(outcome.status);
        return true;
      case 'failed':
        this.#answer(outcome.answer);
        return true;
      case 'unsent':
        this.#tryElsewhere(target, outcome.reason !== null);
        return false;
      case 'unanswered':
        return this.#concludeUnanswered(outcome.past, target);
    }
  }

  #concludeUnanswered(past: Past, target: Target): boolean {
    const { method, hasBody } = this.head;
    const repeatable = (past === 'refused' || SAFE_METHODS.has(method)) && !hasBody && this.tunnel === null;
    if (repeatable && past !== 'new' && !this.#renewed) {
      // It had been idle, and its target closed it just then: a new connection tells whether the target is well.
      this.#renewed = true;
      this.#service.retries += 1;
      target.pool.dropIdle(0);
      this.preferred = target.revision;
      return false;
    }
    if (!repeatable || this.#retriesLeft === 0) {
      this.#answer('target-failed');
      return true;
    }
    this.#retriesLeft -= 1;
    this.#tryElsewhere(target, true);
    return false;
  }

  /** Stays with the revision while that has another target: the split has counted this request already. */
  #tryElsewhere(target: Target, aside: boolean): void {
    this.#service.retries += 1;
    this.preferred = target.revision;
    if (!aside) return;
    target.setAside(performance.now());
    this.tried ??= new Set();
    this.tried.add(target);
  }

  /** Null when it is worth another try, otherwise what to answer. */
  async #park(): Promise<AnswerCode | null> {
    const service = this.#service;
    if (!service.routed) return 'no-route';
    const unreachable = service.hasTarget(this.forced);
    if (!unreachable && !service.entry.coming) return 'no-target';
    const { parkTimeoutMs, parkMaxRequests } = service.settings;
    const now = performance.now();
    this.#parkedAt ??= now;
    const leftMs = this.#parkedAt + parkTimeoutMs - now;
    if (leftMs <= 0) return unreachable ? 'target-unreachable' : 'park-timeout';
    if (service.lot.size >= parkMaxRequests) return unreachable ? 'target-unreachable' : 'park-full';
    if (unreachable) service.lot.tryIn(RETRY_MS);
    await service.lot.stay(this, leftMs);
    this.tried = null;
    return null;
  }

  /** The client has gone, or all is sent: node tells both the same way. */
  #leave(): void {
    if (this.response.writableFinished) return;
    this.#gone = true;
    this.#forwarding?.abort();
    this.#service.lot.leave(this);
  }

  #blame(target: Target, reason: TargetError): void {
    this.#service.countersOf(target.revision)?.fail(reason);
  }

  #answer(code: AnswerCode): void {
    this.#count(ANSWERS[code].status);
    const fields = this.#settings.missingHeaders;
    if (!this.#gone) reply(this, code, { ...this.head, closing: this.plane.closing, fields });
  }

  #count(status: number, at = performance.now()): void {
    const counters = this.#revision === null ? undefined : this.#service.countersOf(this.#revision);
    if (counters === undefined) this.#service.countUnserved(status);
    else counters.observe(status, (at - this.#startedAt) / 1_000);
  }
}
