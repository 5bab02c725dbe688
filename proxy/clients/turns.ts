// The requests of one client connection, one at a time and in their order. Node parses ahead and would start all that
// came in one segment at once; here each waits until the response before it has closed. Knows no table, starts nothing
// itself.
//
// INVARIANTS
// - At most one request of a connection is being served. Once a response ends the connection, nothing behind it is.
// - The proxy's own refusal of what could not be read is never written into a response: it comes after, or not at all.
// - While one waits nothing is read from the connection, and all that wait are counted: memory is bounded.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type AnswerCode, renderRawError } from '../errors.ts';
import { closeLingering, isLingering } from './linger.ts';
import { makeRequestId } from './request-id.ts';

/** A client that has ended its side may be gone altogether: it is, when nothing could be sent for so long. */
const HALF_OPEN_MS = 5_000;
/** Requests behind the last one are dropped, and node keeps them until the connection has ended. */
const MAX_DROPPED = 10_000;
/** What is read in one go. Nothing should come while one waits; a connection on which more than this does is cut. */
const MAX_READ_BEHIND = 65_536;

interface Turn {
  readonly response: ServerResponse;
  readonly begin: () => void;
}

/** How many may wait, over all connections. */
export class WaitingRoom {
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  enter(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  leave(count: number): void {
    this.#free += count;
  }
}

export class Turns {
  readonly #socket: Socket;
  readonly #room: WaitingRoom;
  #waiting: Turn[] | null = null;
  /** Bytes of the connection when the first of those began to wait. */
  #readBefore = 0;
  #current: ServerResponse | null = null;
  /** What to say when all that could be read has been answered. */
  #refusal: AnswerCode | null = null;
  #isOver = false;
  #dropped = 0;

  constructor(socket: Socket, room: WaitingRoom) {
    this.#socket = socket;
    this.#room = room;
    socket.once('end', this.#watchHalfOpen);
  }

  /** No response is open, and none is owed. */
  get isIdle(): boolean {
    return this.#current === null;
  }

  take(response: ServerResponse, begin: () => void): void {
    if (this.#isOver) {
      this.#dropped += 1;
      if (this.#dropped > MAX_DROPPED) this.#socket.destroy();
      return;
    }
    if (this.#current === null) {
      this.#start(response, begin);
      return;
    }
    if (this.#isReadOn() || !this.#room.enter()) {
      this.#socket.destroy();
      return;
    }
    this.#waiting ??= this.#hold();
    this.#waiting.push({ response, begin });
    this.#lingerAtEnd();
    this.#stopReading();
  }

  /** What came last, or comes next, is no request. */
  refuse(code: AnswerCode): void {
    if (this.#isOver || this.#refusal !== null) return;
    this.#refusal = code;
    this.#lingerAtEnd();
    if (this.#current?.req.complete === true || isLingering(this.#current)) return;
    this.#end();
  }

  /** The client has taken what was held back. */
  goOn(): void {
    this.#current?.emit('drain');
  }

  /** The connection goes over to another protocol. */
  forsake(): void {
    this.#isOver = true;
    this.#socket.off('resume', this.#stopReading);
    this.#socket.off('end', this.#watchHalfOpen);
  }

  #start(response: ServerResponse, begin: () => void): void {
    this.#current = response;
    response.on('close', this.#next);
    begin();
  }

  readonly #next = (): void => {
    const socket = this.#socket;
    this.#current = null;
    if (socket.destroyed || socket.writableEnded) {
      this.#clear();
      return;
    }
    const turn = this.#waiting?.shift();
    if (turn === undefined) {
      if (this.#refusal !== null) this.#end();
      return;
    }
    this.#room.leave(1);
    if (this.#waiting?.length === 0) this.#release();
    // Its body is what could not be read.
    if (this.#refusal !== null && !turn.response.req.complete) this.#end();
    else this.#start(turn.response, turn.begin);
  };

  /** Node closes by itself behind a last response; but the client has sent more, and must not lose that response. */
  #lingerAtEnd(): void {
    this.#socket.destroySoon = () => closeLingering(this.#socket);
  }

  #clear(): void {
    this.#isOver = true;
    this.#room.leave(this.#waiting?.length ?? 0);
    if (this.#waiting !== null) this.#release();
  }

  #end(): void {
    const hasBegun = this.#current?.headersSent === true;
    this.#clear();
    if (hasBegun) this.#socket.destroy();
    else refuseRaw(this.#socket, this.#refusal ?? 'bad-request');
  }

  /** Node goes on reading by itself when a request is complete. Only a listener behind its own has the last word. */
  #hold(): Turn[] {
    this.#readBefore = this.#socket.bytesRead;
    this.#socket.on('resume', this.#stopReading);
    return [];
  }

  #release(): void {
    this.#waiting = null;
    this.#socket.off('resume', this.#stopReading);
    this.#socket.resume();
  }

  /** Node may have begun to read although the connection is paused; then only the event makes it stop. */
  readonly #stopReading = (): void => {
    if (this.#socket.isPaused()) this.#socket.emit('pause');
    else this.#socket.pause();
  };

  /** In spite of all that: then no bound holds but this. */
  #isReadOn(): boolean {
    return this.#waiting !== null && this.#socket.bytesRead - this.#readBefore > MAX_READ_BEHIND;
  }

  readonly #watchHalfOpen = (): void => {
    if (this.#current === null) return;
    const socket = this.#socket;
    let written = socket.bytesWritten;
    const timer = setInterval(() => {
      if (socket.bytesWritten === written) socket.destroy();
      written = socket.bytesWritten;
    }, HALF_OPEN_MS).unref();
    socket.once('close', () => clearInterval(timer));
  };
}

/** An answer to what is no request, and the end. */
function refuseRaw(socket: Socket, code: AnswerCode): void {
  socket.on('error', () => socket.destroy());
  if (socket.writable) socket.write(renderRawError(code, makeRequestId()));
  closeLingering(socket);
}
