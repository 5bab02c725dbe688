// One data plane in this process: a table, the clients' connections, and their end. What `--workers 1` is, and what each
// worker runs.

import type { Socket } from 'node:net';
import { AccessLog, type AccessRecord } from '../access.ts';
import { Admission, type AskAdmission } from '../clients/admission.ts';
import { Listener, type ListenerOptions, type Patience } from '../clients/listener.ts';
import { DataPlane, type SecureWords } from '../clients/plane.ts';
import { type Network, TrustedPeers } from '../clients/trusted.ts';
import type { ProxyStats } from '../counters.ts';
import { noteArrival } from '../messages/read-turns.ts';
import { Router } from '../table/router.ts';
import type { Certificate } from '../tls/certificate.ts';

export interface LocalOptions extends ListenerOptions {
  /** Proxies before us whose word on the client is taken; none by default. */
  readonly trusted?: readonly Network[];
  /** What clients are told of https; nothing by default. */
  readonly secure?: SecureWords;
  /** Of the requests that went well, the share that the access log tells of, from 0 to 1; without it there is none. */
  readonly accessShare?: number;
}

export interface LocalHooks {
  readonly onError: (error: unknown) => void;
  readonly onAccess: (record: AccessRecord) => void;
  /** Where somebody else counts the connections of each address; otherwise null. */
  readonly ask: AskAdmission | null;
}

const NO_WORDS: SecureWords = { redirectPort: null, hstsSeconds: 0 };

export class LocalProxy {
  readonly router = new Router();
  readonly #listener: Listener;
  readonly #plane: DataPlane;

  constructor(options: LocalOptions, { onError, onAccess, ask }: LocalHooks) {
    const trusted = new TrustedPeers(options.trusted ?? []);
    const { accessShare } = options;
    const access = accessShare === undefined ? null : new AccessLog(accessShare, trusted, onAccess);
    const isNamed = (host: string): boolean => this.#listener.handshakes.covers(host);
    this.#plane = new DataPlane({
      ...{ router: this.router, trusted, isNamed, onError, access },
      secure: options.secure ?? NO_WORDS,
    });
    this.#listener = new Listener(this.#plane, options, new Admission(options, trusted, ask));
  }

  /** Returns what the connection is known by from now on. */
  take(accepted: Socket, isSecure: boolean): Socket {
    noteArrival();
    return this.#listener.take(accepted, isSecure);
  }

  useCertificates(certificates: readonly Certificate[]): void {
    this.#listener.handshakes.use(certificates);
  }

  stats(): ProxyStats {
    const { admission, handshakes } = this.#listener;
    return this.#plane.stats({
      connections: admission.sockets.size,
      refused: admission.refused(),
      handshakeErrors: handshakes.errors(),
    });
  }

  sayClose(): void {
    this.#listener.sayClose();
  }

  settle(ms: number): Promise<void> {
    return this.#listener.settle(ms);
  }

  drain(patience: Patience): Promise<void> {
    return this.#listener.drain(patience);
  }
}
