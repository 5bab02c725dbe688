// What comes in on a connection: given on while its reader wants it, held back otherwise. While little is held more is read,
// for only who reads sees that a client has gone; then it waits in the system.
import type { Socket } from 'node:net';
import { READ_BYTES } from '../messages/lent.ts';
import { hasTurn, takeTurn } from '../messages/turns.ts';
import type { Line } from './line.ts';

export interface IntakeReader {
  /** Wants what comes next. */
  readonly isReading: boolean;
  /** What comes next is of a head or a body that has begun: such a piece may wait for its turn. */
  readonly isAmidMessage: boolean;
  /** Takes from there on what it can; the bytes hold during the call only. Returns where it stands, or `STOP`: what is behind is not for it. */
  read(bytes: Buffer, from: number): number;
  /** All that has come was taken. */
  onTaken(): void;
}

export const STOP = -1;
/** Beside one more read. */
const MOST_HELD = READ_BYTES;
/** A larger piece is not worth the copy that it would wait as. */
const SMALL_BYTES = 4_096;

export class Intake {
  readonly #line: Line;
  readonly #socket: Socket;
  readonly #reader: IntakeReader;
  #held: Buffer | null = null;
  #isWoken = false;
  #isTaking = false;

  constructor(line: Line, reader: IntakeReader) {
    this.#line = line;
    this.#socket = line.socket;
    this.#reader = reader;
    line.receive(this.#take);
    line.resume();
  }

  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** There may be more than its reader has taken. */
  get isAhead(): boolean {
    return this.#held !== null || this.#isTaking;
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

  /** What comes from now on waits for whoever reads the connection as a stream. */
  stop(): void {
    this.#held = null;
    this.#line.release();
  }

  readonly #take = (bytes: Buffer): void => {
    if (this.#held !== null) this.#hold(bytes);
    else if (!this.#canWait(bytes)) this.#takeNow(bytes);
    else if (hasTurn()) takeTurn(() => this.#takeNow(bytes));
    else {
      this.#hold(bytes);
      takeTurn(() => this.#onTurn());
    }
  };

  #canWait(bytes: Buffer): boolean {
    return this.#reader.isAmidMessage && this.#reader.isReading && bytes.length <= SMALL_BYTES;
  }

  /** Unless it was taken meanwhile: then what is to come is no business of this turn. */
  #onTurn(): void {
    if (this.#held !== null) this.#goOn();
  }

  #takeNow(bytes: Buffer): void {
    this.#isTaking = true;
    const isTaken = this.#pass(bytes);
    this.#isTaking = false;
    if (isTaken) this.#reader.onTaken();
  }

  #pass(bytes: Buffer): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#reader.isReading) {
        this.#hold(bytes.subarray(at));
        return false;
      }
      at = this.#reader.read(bytes, at);
      if (at === STOP) return false;
    }
    return true;
  }

  #hold(bytes: Buffer): void {
    const held = this.#held === null ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#held = held;
    if (held.length >= MOST_HELD) this.#line.pause();
  }

  readonly #goOn = (): void => {
    this.#isWoken = false;
    const held = this.#held;
    if (this.#socket.destroyed || !this.#reader.isReading) return;
    this.#held = null;
    this.#line.resume();
    if (held !== null) this.#takeNow(held);
    else if (this.#socket.readableEnded) this.#reader.onTaken();
  };
}
