// What comes in on a connection: given on while its reader wants it, held back otherwise. At most one read is held, since
// nothing more is read meanwhile.
import type { Socket } from 'node:net';

export interface IntakeReader {
  /** Wants what comes next. */
  readonly isReading: boolean;
  /** Takes from there on what it can. Returns where it stands, or `STOP`: what is behind is not for it. */
  read(bytes: Buffer, from: number): number;
  /** All that has come was taken. */
  onTaken(): void;
}

export const STOP = -1;

export class Intake {
  readonly #socket: Socket;
  readonly #reader: IntakeReader;
  #held: Buffer | null = null;
  #isWoken = false;

  constructor(socket: Socket, reader: IntakeReader) {
    this.#socket = socket;
    this.#reader = reader;
    socket.on('data', this.#take);
    socket.resume();
  }

  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  /** Later in this turn the reader is asked again: whoever says so may not be ready yet. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    process.nextTick(this.#goOn);
  }

  drop(): void {
    this.#held = null;
  }

  /** Nothing is read here any more. */
  stop(): void {
    this.#held = null;
    this.#socket.off('data', this.#take);
    this.#socket.pause();
  }

  readonly #take = (bytes: Buffer): void => {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#reader.isReading) {
        this.#held = at === 0 ? bytes : bytes.subarray(at);
        this.#socket.pause();
        return;
      }
      at = this.#reader.read(bytes, at);
      if (at === STOP) return;
    }
    this.#reader.onTaken();
  };

  readonly #goOn = (): void => {
    this.#isWoken = false;
    const held = this.#held;
    if (this.#socket.destroyed || !this.#reader.isReading) return;
    this.#held = null;
    this.#socket.resume();
    if (held !== null) this.#take(held);
    else if (this.#socket.readableEnded) this.#reader.onTaken();
  };
}
