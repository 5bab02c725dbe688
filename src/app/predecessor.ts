// The proxy in whose place this one was started: gives its listening sockets, and stops accepting when it hears that
// they are served. See `successor` for its side.
import { Server } from 'node:net';

/** Set for a successor: its predecessor's pid, and the how-manieth proxy in this place it is. */
export const SUCCEEDS = 'PROXY_SUCCEEDS';

export type SocketName = 'http' | 'https' | 'admin';

export type FromSuccessor =
  | { readonly kind: 'wants'; readonly socket: SocketName }
  | { readonly kind: 'serving' };

/** The process as far as it is needed here. */
type Host = Pick<NodeJS.Process, 'env' | 'ppid' | 'connected' | 'send' | 'once' | 'off' | 'disconnect'>;

/** Null for a proxy that takes nobody's place. */
export function findPredecessor(host: Host): Predecessor | null {
  const [pid, generation] = (host.env[SUCCEEDS] ?? '').split(':').map(Number);
  // Whoever it starts in turn succeeds nobody.
  delete host.env[SUCCEEDS];
  if (pid !== host.ppid || generation === undefined || !host.connected) return null;
  return new Predecessor(host, generation);
}

export class Predecessor {
  /** 2 for the first successor. */
  readonly generation: number;
  readonly #host: Host;

  constructor(host: Host, generation: number) {
    this.#host = host;
    this.generation = generation;
  }

  /** To be listened on in the same turn: connections come in from now on. Rejects when the predecessor has ended. */
  inherit(socket: SocketName): Promise<Server> {
    const { promise, resolve, reject } = Promise.withResolvers<Server>();
    const gone = (): void => reject(new Error('The proxy whose place this one was to take has ended.'));
    this.#host.once('disconnect', gone);
    this.#host.once('message', (_message: unknown, handle: unknown) => {
      this.#host.off('disconnect', gone);
      if (handle instanceof Server) resolve(handle);
      else reject(new Error(`The predecessor gave no socket for ${socket}.`));
    });
    this.#tell({ kind: 'wants', socket });
    return promise;
  }

  /** It stops accepting, and answers what it has in hand. If it has ended, this one serves all the same. */
  tellServing(): void {
    this.#tell({ kind: 'serving' });
  }

  #tell(message: FromSuccessor): void {
    if (this.#host.connected) this.#host.send?.(message);
  }
}

export function isFromSuccessor(message: unknown): message is FromSuccessor {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
