// TLS in front of HTTP: shakes hands on connections that are passed to it, with the certificate of the host that the
// client names, and passes on what comes of it. Knows no request, and reads no file.
//
// INVARIANTS
// - A handshake ends within its time, however slowly the client sends.
// - Connections that stand go on with the certificate that they began with.
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import { countHandshakeErrors, type HandshakeError, type HandshakeErrorCounts } from '../counters.ts';
import type { Certificate } from './certificate.ts';
import { assignNames, findNamed, type NamedCertificates, NO_CERTIFICATES } from './certificate-names.ts';

const HANDSHAKE_MS = 10_000;
const MIN_VERSION = 'TLSv1.2';

export class Handshakes {
  readonly #server: Server;
  readonly #errors: HandshakeErrorCounts = countHandshakeErrors(() => 0);
  #named: NamedCertificates = NO_CERTIFICATES;
  /** By the certificate's text: what has not changed is not made again. Made when a client first asks. */
  #contexts = new Map<string, SecureContext>();

  constructor(pass: (socket: TLSSocket) => void, handshakeMs = HANDSHAKE_MS) {
    this.#server = createServer({
      minVersion: MIN_VERSION,
      ALPNProtocols: ['h2', 'http/1.1'],
      // From the connection on: bytes of a handshake that come in do not renew it.
      handshakeTimeout: handshakeMs,
      SNICallback: (host, answer) => this.#choose(host, answer),
    });
    this.#server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      pass(socket);
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#errors[classifyError(error)] += 1;
      socket.destroy();
    });
  }

  /** For handshakes from now on, instead of all that there were. */
  use(certificates: readonly Certificate[]): void {
    const texts = new Set(certificates.map(({ cert }) => cert));
    this.#contexts = new Map([...this.#contexts].filter(([text]) => texts.has(text)));
    this.#named = assignNames(certificates);
    const { byDefault } = this.#named;
    this.#server.setSecureContext(
      byDefault === null ? { minVersion: MIN_VERSION } : composeContext(byDefault),
    );
  }

  /** Whether there is a certificate that names this host. */
  covers(host: string): boolean {
    return findNamed(this.#named, host) !== null;
  }

  errors(): Readonly<HandshakeErrorCounts> {
    return { ...this.#errors };
  }

  /** A connection on which nothing was read yet. A client that ends its side before it has shaken hands is gone. */
  begin(socket: Socket): void {
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
  }

  /** Without a certificate the default one is taken; if there is none either, the handshake fails with an alert. */
  #choose(host: string, answer: (error: Error | null, context?: SecureContext) => void): void {
    const found = findNamed(this.#named, host.toLowerCase());
    answer(null, found === null ? undefined : this.#contextOf(found));
  }

  #contextOf(certificate: Certificate): SecureContext {
    const present = this.#contexts.get(certificate.cert);
    if (present !== undefined) return present;
    const created = createSecureContext(composeContext(certificate));
    this.#contexts.set(certificate.cert, created);
    return created;
  }
}

function composeContext({ cert, key }: Certificate) {
  return { cert, key, minVersion: MIN_VERSION } as const;
}

function classifyError({ code = '' }: NodeJS.ErrnoException): HandshakeError {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  // What OpenSSL calls it, in 1.2 and in 1.3, when it has no certificate that the client could take.
  if (/NO_SHARED_CIPHER|NO_SUITABLE_SIGNATURE_ALGORITHM/.test(code)) return 'no-certificate';
  return /ECONNRESET|EPIPE|ECONNABORTED/.test(code) ? 'closed' : 'protocol';
}
