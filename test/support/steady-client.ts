// A client that asks for something small again and again, on connections of its own, and takes the time of each answer.
import { request } from 'node:http';

export interface Course {
  readonly answered: number;
  readonly failures: readonly string[];
  /** How many milliseconds half of the answers took at most, and 99 of 100, and all. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

const EVERY_MS = 20;
const LONGEST_MS = 60_000;

export class SteadyClient {
  readonly #port: number;
  readonly #path: string;
  readonly #times: number[] = [];
  readonly #failures: string[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #asked: Promise<void>[] = [];
  #everyRequests = Number.POSITIVE_INFINITY;
  #task = (): void => undefined;

  constructor(port: number, path = '/') {
    this.#port = port;
    this.#path = path;
    this.#timer = setInterval(() => {
      this.#asked.push(this.#ask());
      if (this.#asked.length % this.#everyRequests === 0) setTimeout(() => this.#task(), EVERY_MS / 2);
    }, EVERY_MS);
  }

  /** Has this done after every so many requests, midway to the next one: what it takes is not in their times. */
  between(requests: number, task: () => void): void {
    this.#everyRequests = requests;
    this.#task = task;
  }

  /** Resolves once all is answered, or has failed. */
  async stop(): Promise<Course> {
    clearInterval(this.#timer);
    this.#task = () => undefined;
    await Promise.all(this.#asked);
    const sorted = this.#times.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      ...{ answered: sorted.length, failures: this.#failures },
      ...{ p50: at(0.5), p99: at(0.99), most: at(1) },
    };
  }

  #ask(): Promise<void> {
    const begun = performance.now();
    const options = { port: this.#port, host: '127.0.0.1', path: this.#path, agent: false };
    return new Promise((resolve) => {
      const fail = (error: Error): void => {
        this.#failures.push(error.message);
        resolve();
      };
      const asking = request(options, (response) => {
        response.resume().once('error', fail);
        response.once('end', () => {
          if (response.statusCode === 200) this.#times.push(performance.now() - begun);
          else this.#failures.push(`status ${response.statusCode}`);
          resolve();
        });
      });
      asking.setTimeout(LONGEST_MS, () => asking.destroy(new Error('no answer')));
      asking.once('error', fail).end();
    });
  }
}
