// A client's connection, and the bytes that come in on it. Of one without TLS they come into memory that all of them share,
// one read after the other: memory for each read, and its way to the garbage, would cost more than the reading.
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { READ_BYTES } from '../messages/lent.ts';
import { PacedReading } from '../messages/paced-reading.ts';

export interface Line {
  readonly socket: Socket;
  /** From now on; what is given holds during the call only. */
  receive(take: (bytes: Buffer) => void): void;
  pause(): void;
  resume(): void;
  /** From now on they wait, as those of any stream do, for whoever reads it. */
  release(): void;
}

const READ = Buffer.allocUnsafeSlow(READ_BYTES);

/** A connection whose bytes come as a stream's. */
export function lineOf(socket: Socket): Line {
  let taking: ((bytes: Buffer) => void) | null = null;
  return {
    socket,
    receive: (take) => {
      taking = take;
      socket.on('data', take);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    release: () => {
      if (taking !== null) socket.off('data', taking);
      halt(socket);
    },
  };
}

/**
 * Of a connection that was accepted in this turn, or is paused: the one that is given is of no more use. Node shares memory
 * only between sockets that it is told so of when they are made, and makes a server's sockets itself.
 */
export function adoptLine(accepted: Socket): Line {
  // Not in node's types: what the system calls the connection.
  const holder = accepted as unknown as { _handle: unknown };
  const { _handle: handle } = holder;
  if (handle === null || handle === undefined) return lineOf(accepted);
  const line = new AdoptedLine(handle);
  holder._handle = null;
  accepted.destroy();
  return line;
}

class AdoptedLine implements Line {
  readonly socket: Socket;
  readonly #reading: PacedReading;
  #take: ((bytes: Buffer) => void) | null = null;

  constructor(handle: unknown) {
    const options = { handle, allowHalfOpen: true, onread: { buffer: READ, callback: this.#onRead } };
    this.socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
    this.#reading = new PacedReading(this.socket);
  }

  receive(take: (bytes: Buffer) => void): void {
    this.#take = take;
  }

  pause(): void {
    this.#reading.pause();
  }

  resume(): void {
    this.#reading.resume();
  }

  release(): void {
    this.#take = null;
    this.#reading.leave();
    halt(this.socket);
  }

  readonly #onRead = (length: number): boolean => {
    const bytes = READ.subarray(0, length);
    if (this.#take === null) return this.socket.push(Buffer.from(bytes));
    this.#take(bytes);
    return this.#reading.mayGoOn(length);
  };
}

/** Nothing flows, but a little is read on: else nobody would see that the connection has ended. */
function halt(socket: Socket): void {
  Readable.prototype.pause.call(socket);
}
