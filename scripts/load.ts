// A bounded load of small requests on one service through a proxy: keep-alive and new connections, GETs and POSTs on
// both, at an even pace. Counts answers by version and by kind, and keeps every failure with its reason. Long streams
// are in `load-streams`.
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, exchange, type LoadTarget, type Shot } from './load-exchange.ts';

export interface LoadOptions extends LoadTarget {
  /** Default 230. */
  readonly perSecond?: number;
}

export interface LoadFailure {
  /** When it was sent, and when it was known to have failed: milliseconds since the epoch. */
  readonly sentAt: number;
  readonly at: number;
  readonly host: string;
  readonly what: string;
  readonly reason: string;
  readonly version: string | null;
  /** As the service was told it, see `Shot`. */
  readonly id: string;
}

/** Answered, by method and by whether the connection had carried another request before. */
export type LoadKind = 'GET new' | 'GET kept' | 'POST new' | 'POST kept';

export interface LoadReport {
  readonly requests: number;
  /** From the start until now, or until it was told to stop. */
  readonly seconds: number;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<LoadKind, number>>;
  readonly failures: readonly LoadFailure[];
  readonly inFlight: number;
}

/** Of a load that never began. */
export const NO_REQUESTS: LoadReport = {
  requests: 0,
  seconds: 0,
  byVersion: {},
  byKind: { 'GET new': 0, 'GET kept': 0, 'POST new': 0, 'POST kept': 0 },
  failures: [],
  inFlight: 0,
};

export interface Load {
  report(): LoadReport;
  /** Sends no more, waits for what is under way, and says what became of all. */
  stop(): Promise<LoadReport>;
}

const TICK_MS = 10;
/** What a stalled clock owes is sent at once, up to so many seconds' worth. */
const OWED_MOST_SECONDS = 3;
/** The bound: beyond it nothing is sent until something is answered. */
const IN_FLIGHT_MOST = 8_000;
const BODY = 'hello '.repeat(40);

export function startLoad(options: LoadOptions): Load {
  return new SteadyLoad(options);
}

class SteadyLoad implements Load {
  readonly #target: LoadTarget;
  readonly #agent: Agent;
  readonly #timer: NodeJS.Timeout;
  readonly #name = randomBytes(4).toString('hex');
  readonly #startedAt = performance.now();
  readonly #byVersion: Record<string, number> = {};
  readonly #byKind = { ...NO_REQUESTS.byKind };
  readonly #failures: LoadFailure[] = [];
  #stoppedAt: number | null = null;
  #sent = 0;
  #answered = 0;

  constructor({ perSecond = 230, ...target }: LoadOptions) {
    this.#target = target;
    const kept = { keepAlive: true, maxFreeSockets: 32 };
    this.#agent = target.isSecure === true ? new SecureAgent(kept) : new Agent(kept);
    let from = this.#startedAt;
    let owed = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      owed = Math.min(OWED_MOST_SECONDS * perSecond, owed + ((now - from) * perSecond) / 1000);
      from = now;
      for (; owed >= 1; owed -= 1) if (this.#inFlight < IN_FLIGHT_MOST) this.#send();
    }, TICK_MS);
  }

  report(): LoadReport {
    return {
      requests: this.#sent,
      seconds: ((this.#stoppedAt ?? performance.now()) - this.#startedAt) / 1000,
      byVersion: { ...this.#byVersion },
      byKind: { ...this.#byKind },
      failures: [...this.#failures],
      inFlight: this.#inFlight,
    };
  }

  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    this.#stoppedAt ??= performance.now();
    while (this.#inFlight > 0) await sleep(TICK_MS);
    this.#agent.destroy();
    return this.report();
  }

  get #inFlight(): number {
    return this.#sent - this.#answered;
  }

  /** Every fourth on a connection of its own, every fifth a POST whose body comes back: one in twenty is both. */
  #send(): void {
    this.#sent += 1;
    const isPost = this.#sent % 5 === 0;
    const shot = {
      ...this.#target,
      method: isPost ? 'POST' : 'GET',
      path: isPost ? '/echo' : '/',
      body: isPost ? BODY : '',
      agent: this.#sent % 4 === 0 ? false : this.#agent,
      id: `${this.#name}-${this.#sent}`,
    } as const;
    const sentAt = Date.now();
    void exchange(shot).then((answer) => this.#record(shot, sentAt, answer));
  }

  #record({ method, path, host, id = '' }: Shot, sentAt: number, answer: Answer): void {
    const { version, problem, isReused } = answer;
    this.#answered += 1;
    if (problem !== null) {
      const what = `${method} ${path}`;
      this.#failures.push({ sentAt, at: Date.now(), host, what, reason: problem, version, id });
      return;
    }
    this.#byKind[`${method} ${isReused ? 'kept' : 'new'}`] += 1;
    if (version !== null) this.#byVersion[version] = (this.#byVersion[version] ?? 0) + 1;
  }
}
