// The kept-alive connections to one target, over node's own agent. Decides only how long an idle one may be used.
import { Agent } from 'node:http';
import type { Socket } from 'node:net';

/** Below the 5 s after which node's servers, the shortest-lived of the usual ones, close an idle connection. */
const IDLE_MS = 4_000;
const MAX_IDLE = 1_024;

export class Pool {
  readonly agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE, timeout: IDLE_MS });
  readonly #idleSince = new WeakMap<Socket, number>();

  constructor() {
    this.agent.on('free', (socket: Socket) => this.#idleSince.set(socket, performance.now()));
  }

  /** Closes what has been idle for longer: what comes next gets a younger connection, or a new one. */
  dropIdle(longerThanMs: number): void {
    const oldest = performance.now() - longerThanMs;
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        if ((this.#idleSince.get(socket) ?? 0) <= oldest) socket.destroy();
      }
    }
  }

  /** Nothing stays open for later: a target that is about to stop should not find idle connections. */
  retire(): void {
    this.agent.maxFreeSockets = 0;
    this.dropIdle(0);
  }

  restore(): void {
    this.agent.maxFreeSockets = MAX_IDLE;
  }

  close(): void {
    this.agent.destroy();
  }
}
