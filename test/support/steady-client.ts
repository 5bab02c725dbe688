// A client that asks for something small again and again, on connections of its own, and takes the time of each answer.
import { request } from 'node:http';

export interface Course {
  readonly answered: number;
  readonly failures: readonly string[];
  /** Of a hundred answers the second slowest, in milliseconds. */
  readonly p99: number;
}

const EVERY_MS = 20;
const LONGEST_MS = 60_000;

export class SteadyClient {
  readonly #port: number;
  readonly #times: number[] = [];
  readonly #failures: string[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #asked: Promise<void>[] = [];

  constructor(port: number) {
    this.#port = port;
    this.#timer = setInterval(() => this.#asked.push(this.#ask()), EVERY_MS);
  }

  /** Resolves once all is answered, or has failed. */
  async stop(): Promise<Course> {
    clearInterval(this.#timer);
    await Promise.all(this.#asked);
    const sorted = this.#times.toSorted((a, b) => a - b);
    const p99 = Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
    return { answered: sorted.length, failures: this.#failures, p99 };
  }

  #ask(): Promise<void> {
    const begun = performance.now();
    return new Promise((resolve) => {
      const fail = (error: Error): void => {
        this.#failures.push(error.message);
        resolve();
      };
      const asking = request({ port: this.#port, host: '127.0.0.1', agent: false }, (response) => {
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
