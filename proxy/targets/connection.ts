// One connection to a target: its socket, its parser, and who has it at the moment. It is of no use for anybody else
// before that one has let go of it.
//
// INVARIANTS
// - A connection that nobody has, and that says or ends anything, is closed.
// - What is told of bytes holds during the call only: all connections read into the same memory, one after the other.
import { connect, type Socket } from 'node:net';
import { READ_BYTES } from '../messages/lent.ts';
import { PacedReading } from '../messages/paced-reading.ts';
import { gatherWrites } from './gather.ts';
import { type ResponseEvents, ResponseParser } from './response-parser.ts';

export interface Occupant extends ResponseEvents {
  onConnected(): void;
  /** All that was read in one go has been told. */
  onRead(): void;
  /** The target reads on. */
  onDrained(): void;
  onMalformed(): void;
  /** Before the response was whole; `code` is that of the system's error, if it was one. */
  onClosed(code: string): void;
}

/** TCP's own probes tell when the machine of a target has gone. */
const PROBE_MS = 1_000;
/** Memory for each read, and its way to the garbage, would cost more than the reading. */
const READ = Buffer.allocUnsafeSlow(READ_BYTES);

export class Connection {
  readonly socket: Socket;
  readonly reading: PacedReading;
  readonly parser = new ResponseParser();
  readonly #onLost: (connection: Connection) => void;
  #occupant: Occupant | null = null;
  #code = '';
  #isReused = false;
  #hasSpoken = false;
  /** By `performance.now()`, of one that nobody has. */
  idleSince = 0;
  idleUntil = 0;

  /** `mayGoOver`: to another protocol, whose reader needs a stream. */
  constructor(host: string, port: number, mayGoOver: boolean, onLost: (connection: Connection) => void) {
    this.#onLost = onLost;
    const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS };
    const onread = { buffer: READ, callback: this.#onRead };
    this.socket = connect(mayGoOver ? options : { ...options, onread });
    this.reading = new PacedReading(this.socket);
    if (mayGoOver) this.socket.on('data', this.#onData);
    gatherWrites(this.socket);
    // A process that is to end does not wait for what is only kept.
    this.socket.unref();
    this.socket.on('connect', this.#onConnect);
    this.socket.on('drain', this.#onDrain);
    this.socket.on('end', this.#onEnd);
    this.socket.on('error', this.#onError);
    this.socket.on('close', this.#onClose);
  }

  get isConnecting(): boolean {
    return this.socket.connecting;
  }

  /** It had been idle before. */
  get isReused(): boolean {
    return this.#isReused;
  }

  /** Any byte came for the one who has it, be it of an interim response or of half a head. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  occupy(occupant: Occupant, method: string): void {
    this.#occupant = occupant;
    this.#hasSpoken = false;
    this.parser.begin(method, occupant);
  }

  /** For a while nobody has it. */
  rest(now: number, maxMs: number): void {
    this.#occupant = null;
    this.#isReused = true;
    this.idleSince = now;
    this.idleUntil = now + Math.min(maxMs, this.parser.keepMs);
    this.parser.stop();
    if (this.socket.isPaused()) this.reading.resume();
  }

  close(): void {
    this.#occupant = null;
    this.parser.stop();
    this.socket.destroy();
  }

  /** All was said, but the target has not read all of it yet: it may, for so long. */
  closeSoon(ms: number): void {
    this.#occupant = null;
    this.parser.stop();
    this.socket.setTimeout(ms, () => this.socket.destroy());
    this.socket.resume().destroySoon();
  }

  /** The socket goes over to somebody who knows nothing of HTTP. */
  forsake(): Socket {
    const { socket } = this;
    this.#occupant = null;
    this.parser.stop();
    socket.off('connect', this.#onConnect);
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    return socket.ref();
  }

  readonly #onConnect = (): void => this.#occupant?.onConnected();

  readonly #onDrain = (): void => this.#occupant?.onDrained();

  readonly #onRead = (length: number): boolean => {
    this.#onData(READ.subarray(0, length));
    return this.reading.mayGoOn(length);
  };

  readonly #onData = (bytes: Buffer): void => {
    if (this.#occupant === null) {
      this.socket.destroy();
      return;
    }
    this.#hasSpoken = true;
    if (this.parser.read(bytes)) this.#occupant?.onRead();
    else this.#occupant?.onMalformed();
  };

  readonly #onEnd = (): void => {
    if (this.#occupant === null) this.socket.destroy();
    else if (!this.parser.finish()) this.#occupant.onClosed('');
  };

  readonly #onError = ({ code = '' }: NodeJS.ErrnoException): void => {
    this.#code = code;
  };

  readonly #onClose = (): void => {
    if (!this.parser.isWhole) this.#occupant?.onClosed(this.#code);
    this.#onLost(this);
  };
}
