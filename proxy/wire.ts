// One request on a connection to one target, over node's own client and its strict parser: the only file that knows it.
// Says what comes back; decides nothing.
import { type ClientRequest, type IncomingMessage, type InformationEvent, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BodySink } from './body.ts';
import type { TargetError } from './errors.ts';
import type { RequestHead } from './request.ts';
import type { Target } from './target.ts';

export interface WireEvents {
  /** There is no connection yet; one that was kept from before needs no such wait. */
  onConnecting(): void;
  /** Nothing was sent so far. */
  onConnected(): void;
  onContinue(): void;
  onInformation(info: InformationEvent): void;
  onAnswer(answer: IncomingMessage): void;
  onSwitch(answer: IncomingMessage, socket: Duplex, first: Buffer): void;
  /** Also after the answer has begun; perhaps more than once. */
  onFailure(reason: TargetError): void;
}

export class Wire {
  readonly #request: ClientRequest;
  readonly #events: WireEvents;
  #socket: Socket | null = null;
  /** Of earlier requests on the same connection. */
  #bytesBefore = 0;

  /** Throws for a field or a path that node refuses to send. */
  constructor(target: Target, head: RequestHead, events: WireEvents) {
    this.#events = events;
    this.#request = request({
      agent: target.pool.agent,
      host: target.host,
      port: target.port,
      method: head.method,
      path: head.url,
      headers: head.headers,
      setHost: false,
      insecureHTTPParser: false,
    });
    this.#listen(this.#request);
  }

  get sink(): BodySink {
    return this.#request;
  }

  /** The connection had been idle before. */
  get isReused(): boolean {
    return this.#request.reusedSocket;
  }

  /** Any byte came back, be it of an interim response or of half a head. */
  get hasSpoken(): boolean {
    return this.#socket !== null && this.#socket.bytesRead > this.#bytesBefore;
  }

  end(): void {
    this.#request.end();
  }

  destroy(): void {
    this.#request.destroy();
  }

  #listen(request: ClientRequest): void {
    const events = this.#events;
    request.once('socket', (socket) => {
      if (!socket.connecting) return this.#begin(socket);
      events.onConnecting();
      socket.once('connect', () => this.#begin(socket));
    });
    request.on('continue', () => events.onContinue());
    request.on('information', (info) => events.onInformation(info));
    request.once('response', (answer) => events.onAnswer(answer));
    request.once('upgrade', (answer, socket, first) => events.onSwitch(answer, socket, first));
    request.on('error', (error) => events.onFailure(this.#reasonOf(error)));
    request.once('close', () => events.onFailure(this.#reasonOf(new Error('closed'))));
  }

  #begin(socket: Socket): void {
    this.#socket = socket;
    this.#bytesBefore = socket.bytesRead;
    this.#events.onConnected();
  }

  #reasonOf({ code = '' }: NodeJS.ErrnoException): TargetError {
    const isConnecting = this.#socket === null;
    if (code === 'ECONNREFUSED') return 'connect-refused';
    if (code === 'ETIMEDOUT') return isConnecting ? 'connect-timeout' : 'reset';
    if (isConnecting) return 'connect-failed';
    return code.startsWith('HPE_') ? 'invalid-response' : 'reset';
  }
}
