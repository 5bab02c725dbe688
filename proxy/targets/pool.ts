// The kept-alive connections to one target. Decides only how long an idle one may be used, and how many are kept: the
// one that was used last is used next, so that the others grow old and go.
import { Connection } from './connection.ts';

/** Below the 5 s after which node's servers, the shortest-lived of the usual ones, close an idle connection. */
const IDLE_MS = 4_000;
const MAX_IDLE = 1_024;
const SWEEP_MS = 1_000;
/** How long a target that has answered may take to read the rest of what it was asked. */
const UNREAD_MS = 30_000;

export class Pool {
  readonly #host: string;
  readonly #port: number;
  /** The one that was used last is the last. */
  readonly #idle: Connection[] = [];
  #maxIdle = MAX_IDLE;
  #sweep: NodeJS.Timeout | null = null;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** One that was kept, or a new one, which is only about to connect. */
  take(): Connection {
    const now = performance.now();
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (now < kept.idleUntil && kept.socket.writable) return kept;
      kept.close();
    }
    return this.open(false);
  }

  /** A new one. `mayGoOver`: to another protocol. */
  open(mayGoOver: boolean): Connection {
    return new Connection(this.#host, this.#port, mayGoOver, this.#forget);
  }

  /** Of a request that was sent whole, and answered. */
  give(connection: Connection): void {
    const { parser, socket } = connection;
    if (socket.writableLength > 0) connection.closeSoon(UNREAD_MS);
    else if (parser.keepMs === 0 || !socket.writable || this.#idle.length >= this.#maxIdle)
      connection.close();
    else {
      connection.rest(performance.now(), IDLE_MS);
      this.#idle.push(connection);
      this.#sweep ??= setInterval(this.#closeOld, SWEEP_MS).unref();
    }
  }

  /** Closes what has been idle for longer: what comes next gets a younger connection, or a new one. */
  dropIdle(longerThanMs: number): void {
    const oldest = performance.now() - longerThanMs;
    const count = this.#idle.findIndex((connection) => connection.idleSince > oldest);
    for (const connection of this.#idle.splice(0, count < 0 ? this.#idle.length : count)) connection.close();
  }

  /** Nothing stays open for later: a target that is about to stop should not find idle connections. */
  retire(): void {
    this.#maxIdle = 0;
    this.dropIdle(0);
  }

  restore(): void {
    this.#maxIdle = MAX_IDLE;
  }

  close(): void {
    this.retire();
    this.#stopSweeping();
  }

  readonly #forget = (connection: Connection): void => {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  };

  readonly #closeOld = (): void => {
    const now = performance.now();
    for (const connection of [...this.#idle]) if (connection.idleUntil <= now) connection.close();
    if (this.#idle.length === 0) this.#stopSweeping();
  };

  #stopSweeping(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
  }
}
