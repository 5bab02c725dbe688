// One request after the other on one connection, to the watched service of a large table: which table answers, and the
// longest answer.
import { Agent, get } from 'node:http';
import { TABLE_FIELD, WATCHED_HOST } from './large-table.ts';

interface Wait {
  readonly table: number;
  readonly resolve: (at: number) => void;
}

export class Visitor {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #ended: Promise<void>;
  #isStopping = false;
  #longestMs = 0;
  #wait: Wait | null = null;

  constructor(port: number) {
    this.#port = port;
    this.#ended = this.#run();
    // Whoever waits is told.
    this.#ended.catch(() => undefined);
  }

  /** Of the answers since it was last asked, in milliseconds. */
  takeLongest(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  /** When the first answer by that table was there. Rejects when a request failed. */
  async untilTable(table: number): Promise<number> {
    const seen = new Promise<number>((resolve) => {
      this.#wait = { table, resolve };
    });
    const ended = this.#ended.then(() => {
      throw new Error('the visitor has stopped');
    });
    return Promise.race([seen, ended]);
  }

  /** Rejects when a request failed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    try {
      await this.#ended;
    } finally {
      this.#agent.destroy();
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const begun = performance.now();
      const table = await this.#ask();
      const ended = performance.now();
      this.#longestMs = Math.max(this.#longestMs, ended - begun);
      if (this.#wait?.table === table) this.#wait.resolve(ended);
    }
  }

  /** The table that answered. */
  #ask(): Promise<number> {
    const headers = { host: WATCHED_HOST };
    const options = { agent: this.#agent, host: '127.0.0.1', port: this.#port, path: '/small', headers };
    return new Promise((resolve, reject) => {
      const sent = get(options, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(Number(response.headers[TABLE_FIELD]));
          else reject(new Error(`${WATCHED_HOST}: ${response.statusCode} while the table changed`));
        });
      });
      sent.once('error', reject);
    });
  }
}
