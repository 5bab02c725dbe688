// Where connections come in: the listening socket, which a successor may inherit, so that the port never closes. Passes
// every connection on and keeps none; knows no HTTP.
import { createServer, type Server, type Socket } from 'node:net';
import { ProxyFailure } from '../failure.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const BACKLOG = 1_024;

export class Door {
  readonly #server: Server;

  /** `isPaused`: nothing is read from a connection here, since another process is to read it. */
  constructor(pass: (socket: Socket) => void, isPaused: boolean) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: isPaused }, pass);
  }

  /** To be sent to another process, which then listens beside this one. */
  get socket(): Server {
    return this.#server;
  }

  /** On the address (port 0 lets the system choose), or on the socket that another process listens on already. */
  open({ host, port }: Address, inherited: Server | null): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    const fail = (cause: Error): void => reject(describeRefusal(host, port, cause));
    const opened = (): void => {
      this.#server.off('error', fail);
      const address = this.#server.address();
      if (address === null || typeof address === 'string') reject(new Error('The door has no port.'));
      else resolve({ host: address.address, port: address.port });
    };
    this.#server.once('error', fail);
    if (inherited === null) this.#server.listen({ host, port, backlog: BACKLOG }, opened);
    else this.#server.listen(inherited, BACKLOG, opened);
    return promise;
  }

  /** Accepts no more from now on; connections that were passed on stay. */
  close(): void {
    this.#server.close();
  }
}

function describeRefusal(host: string, port: number, cause: Error): ProxyFailure {
  const message = `Cannot listen on ${host}:${port} (${cause.message}); choose another address.`;
  return new ProxyFailure('listen-failed', message, { cause });
}
