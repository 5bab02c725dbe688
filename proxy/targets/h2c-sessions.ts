// The connections of HTTP/2 to one target: as few as carry what there is. The oldest with room is used first, so that the
// others get idle, and go.
import { type Guest, H2cSession } from './h2c-session.ts';

/** Long beside the pauses of a service in use; each of its own accord may end one that is idle. */
const IDLE_MS = 30_000;
const SWEEP_MS = 1_000;

export class H2cSessions {
  readonly #host: string;
  readonly #port: number;
  #open: H2cSession[] = [];
  #sweep: NodeJS.Timeout | null = null;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Null when the guest has to wait; then it hears. */
  seat(guest: Guest): H2cSession | null {
    const session = this.#open.find(({ hasRoom }) => hasRoom) ?? this.#connect();
    return session.seat(guest) ? session : null;
  }

  forget(guest: Guest): void {
    this.#open.some((session) => session.forget(guest));
  }

  /** The target has left the table: what is in hand goes on to its end. */
  retire(): void {
    for (const session of this.#open.splice(0)) session.close();
    this.#stopSweeping();
  }

  #connect(): H2cSession {
    const session = new H2cSession(this.#host, this.#port, {
      onFull: (guests) => {
        for (const guest of guests) {
          const other = this.seat(guest);
          if (other !== null) guest.onSeated(other);
        }
      },
      onLeaving: (gone) => {
        this.#open = this.#open.filter((each) => each !== gone);
      },
    });
    this.#open.push(session);
    this.#sweep ??= setInterval(this.#closeIdle, SWEEP_MS).unref();
    return session;
  }

  readonly #closeIdle = (): void => {
    const oldest = performance.now() - IDLE_MS;
    const idle = this.#open.filter(({ isBusy, idleSince }) => !isBusy && idleSince < oldest);
    this.#open = this.#open.filter((session) => !idle.includes(session));
    for (const session of idle) session.close();
    if (this.#open.length === 0) this.#stopSweeping();
  };

  #stopSweeping(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
  }
}
