// The reading of one connection whose bytes come into shared memory: held back by its owner, and in turns with the others'.
import type { Socket } from 'node:net';
import { READ_BYTES } from './lent.ts';
import { mayReadAgain, mayReadOn, type Reader } from './read-turns.ts';

export class PacedReading implements Reader {
  readonly #socket: Socket;
  #isPaused = false;
  /** For its turn. */
  #isWaiting = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Nothing is told until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** One that was never held back has only just come: what it says first waits for nobody. */
  resume(): void {
    const hasRested = this.#isPaused;
    this.#isPaused = false;
    if (this.#isWaiting) return;
    this.#isWaiting = hasRested && !mayReadAgain(this);
    if (!this.#isWaiting) this.#socket.resume();
  }

  /** What node is told once so many bytes were read, and passed on: whether to read on at once. */
  mayGoOn(length: number): boolean {
    if (length < READ_BYTES || this.#isPaused) return true;
    this.#isWaiting = !mayReadOn(this);
    return !this.#isWaiting;
  }

  /** Somebody else reads from now on, and holds back. */
  leave(): void {
    this.#isPaused = true;
  }

  readOn(): boolean {
    this.#isWaiting = false;
    if (this.#isPaused || this.#socket.destroyed) return false;
    this.#socket.resume();
    return true;
  }
}
