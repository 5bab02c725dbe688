// A bounded load of small requests on one service through a proxy: keep-alive and new connections, GETs and POSTs, at
// an even pace. Counts answers by version and keeps every failure with its reason. Long streams are in `load-streams`.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where requests go: a proxy on this machine, and the host that they ask for. */
export interface LoadTarget {
  readonly port: number;
  readonly host: string;
}

export interface LoadOptions extends LoadTarget {
  /** Default 200. */
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
}

export interface LoadReport {
  readonly requests: number;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly failures: readonly LoadFailure[];
  readonly inFlight: number;
}

export interface Load {
  report(): LoadReport;
  /** Sends no more, waits for what is under way, and says what became of all. */
  stop(): Promise<LoadReport>;
}

const TICK_MS = 10;
/** Requests may be parked for long; one that takes longer than this is lost. */
const REQUEST_TIMEOUT_MS = 240_000;
/** The bound: beyond it nothing is sent until something is answered. */
const IN_FLIGHT_MOST = 8_000;
const BODY = 'hello '.repeat(40);

export function startLoad(options: LoadOptions): Load {
  return new SteadyLoad(options);
}

class SteadyLoad implements Load {
  readonly #target: LoadTarget;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });
  readonly #timer: NodeJS.Timeout;
  readonly #byVersion: Record<string, number> = {};
  readonly #failures: LoadFailure[] = [];
  #sent = 0;
  #answered = 0;

  constructor({ perSecond = 200, ...target }: LoadOptions) {
    this.#target = target;
    let from = performance.now();
    let owed = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      // What a stalled clock owes is sent at once, up to one second's worth.
      owed = Math.min(perSecond, owed + ((now - from) * perSecond) / 1000);
      from = now;
      for (; owed >= 1; owed -= 1) if (this.#inFlight < IN_FLIGHT_MOST) this.#send();
    }, TICK_MS);
  }

  report(): LoadReport {
    return {
      requests: this.#sent,
      byVersion: { ...this.#byVersion },
      failures: [...this.#failures],
      inFlight: this.#inFlight,
    };
  }

  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    while (this.#inFlight > 0) await sleep(TICK_MS);
    this.#agent.destroy();
    return this.report();
  }

  get #inFlight(): number {
    return this.#sent - this.#answered;
  }

  /** Every fourth on a connection of its own, every tenth a POST whose body comes back. */
  #send(): void {
    this.#sent += 1;
    const isPost = this.#sent % 10 === 5;
    const shot = {
      ...this.#target,
      method: isPost ? 'POST' : 'GET',
      path: isPost ? '/echo' : '/',
      body: isPost ? BODY : '',
      agent: this.#sent % 4 === 0 ? false : this.#agent,
    } as const;
    const sentAt = Date.now();
    void exchange(shot).then(({ version, problem }) => {
      this.#answered += 1;
      if (problem !== null) {
        const what = `${shot.method} ${shot.path}`;
        this.#failures.push({ sentAt, at: Date.now(), host: shot.host, what, reason: problem, version });
      } else if (version !== null) this.#byVersion[version] = (this.#byVersion[version] ?? 0) + 1;
    });
  }
}

export interface Shot extends LoadTarget {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
  readonly agent: Agent | false;
}

export interface Answer {
  readonly version: string | null;
  /** Null when all is as it should be. */
  readonly problem: string | null;
}

/** One request and its whole answer; never throws. */
export function exchange(shot: Shot): Promise<Answer> {
  const { port, host, method, path, body, agent } = shot;
  const headers = { host, ...(method === 'POST' ? { 'content-length': Buffer.byteLength(body) } : {}) };
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent, timeout: REQUEST_TIMEOUT_MS };
    const sent = request(options, (response) => {
      const version = response.headers['x-version'];
      const given = typeof version === 'string' ? version : null;
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({ version: given, problem: judge(shot, response.statusCode ?? 0, response.headers, text) });
      });
      response.on('error', (error) => resolve({ version: given, problem: `cut off: ${error.message}` }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)));
    sent.on('error', (error) => resolve({ version: null, problem: describeError(error) }));
    sent.end(body);
  });
}

/** The test image says `x-state`; another service that says nothing is taken as ready. */
function judge(
  shot: Shot,
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  text: string,
): string | null {
  if (status !== 200) return `status ${status}: ${text.trim().slice(0, 120)}`;
  const state = headers['x-state'] ?? 'ready';
  if (state !== 'ready') return `reached a replica that is ${String(state)}`;
  if (shot.method === 'POST' && text !== shot.body) return 'the body came back changed';
  return null;
}

function describeError(error: Error): string {
  return 'code' in error ? `${String(error.code)}: ${error.message}` : error.message;
}
