// Where the access log goes: standard output, written beside the work, since there are many of its lines and none is worth
// a wait of the traffic. What a reader does not take in time is dropped and counted; the first lines that can be written
// again say how many are missing.
//
// INVARIANTS
// - Lines go out whole, several in one piece, never more than a pipe takes at once: processes may share it.
// - At most `MAX_WAITING` characters wait, whatever the reader does.
import { write } from 'node:fs';
import { codeOf, describeLoss, type LogStream } from './log-stream.ts';

export interface BackgroundStream extends LogStream {
  /** Resolves when all is written, or nobody has read for a second. */
  close(): Promise<void>;
}

/** What POSIX promises not to mix with another writer's. */
const PIECE_BYTES = 4_096;
/** Characters, nearly all of them one byte. */
const MAX_WAITING = 1_048_576;
/** So that lines which come one by one go out together: each write costs as much as several lines do. */
const GATHER_MS = 20;
const RETRY_MS = 20;
const CLOSE_MS = 1_000;
const POLL_MS = 5;

export type WriteInBackground = (bytes: Buffer, done: (error: Error | null, written: number) => void) => void;

/** To standard output unless another way is given. */
export function openBackgroundStream(
  writeBytes: WriteInBackground = (bytes, done) => write(1, bytes, done),
): BackgroundStream {
  return new Pipe(writeBytes);
}

class Pipe implements BackgroundStream {
  readonly #write: WriteInBackground;
  readonly #waiting: string[] = [];
  #length = 0;
  #isWriting = false;
  #timer: NodeJS.Timeout | null = null;
  #lost = 0;
  #why = '';

  constructor(writeBytes: WriteInBackground) {
    this.#write = writeBytes;
  }

  write(line: string): void {
    if (this.#length + line.length > MAX_WAITING) {
      this.#lose(1, 'nobody reads it');
      return;
    }
    this.#waiting.push(line);
    this.#length += line.length;
    if (!this.#isWriting) this.#timer ??= setTimeout(() => this.#begin(), GATHER_MS);
  }

  trouble(): string | null {
    if (this.#lost === 0) return null;
    return `the access log cannot be written (${this.#why}): ${this.#lost} lines are lost`;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) this.#begin();
    const deadline = performance.now() + CLOSE_MS;
    while (this.#isWriting && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  #begin(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    this.#isWriting = true;
    const lost = this.#lost;
    const [text, lines] = this.#takePiece(lost === 0 ? '' : describeLoss(lost, this.#why));
    this.#send(Buffer.from(text), (error) => {
      this.#isWriting = false;
      if (error === null) this.#lost -= lost;
      else this.#lose(lines, codeOf(error));
      if (error === null) this.#begin();
    });
  }

  /** As many lines as fit, at least one, and how many they are. */
  #takePiece(before: string): [string, number] {
    let [text, count, bytes] = [before, 0, before.length];
    for (const line of this.#waiting) {
      bytes += Buffer.byteLength(line);
      if (count > 0 && bytes > PIECE_BYTES) break;
      text += line;
      count += 1;
      this.#length -= line.length;
    }
    this.#waiting.splice(0, count);
    return [text, count];
  }

  #send(bytes: Buffer, done: (error: Error | null) => void): void {
    this.#write(bytes, (error, written) => {
      const rest = error === null ? bytes.subarray(written) : bytes;
      if (error !== null && codeOf(error) === 'EAGAIN')
        setTimeout(() => this.#send(bytes, done), RETRY_MS).unref();
      else if (error !== null || rest.length === 0) done(error);
      else this.#send(rest, done);
    });
  }

  #lose(lines: number, why: string): void {
    this.#lost += lines;
    this.#why = why;
  }
}
