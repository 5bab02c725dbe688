// Where log lines go: a file descriptor, each line written before the call returns. A line that cannot be written is
// dropped and counted, for the log must never stop what it tells of; the first line that can be written again says how
// many are missing.
import { writeSync } from 'node:fs';

export interface LogStream {
  /** Never throws. */
  write(line: string): void;
  /** Why nothing can be written at the moment, in a sentence; null when all is well. */
  trouble(): string | null;
}

export type WriteBytes = (bytes: Uint8Array) => number;

/** Longest wait for a reader who is slow; then its lines are dropped until it reads again. */
const SLOW_READER_MS = 500;
const POLL_MS = 5;

/** To standard error unless another way is given. */
export function openLogStream(write: WriteBytes = (bytes) => writeSync(2, bytes)): LogStream {
  return new DescriptorStream(write);
}

class DescriptorStream implements LogStream {
  readonly #write: WriteBytes;
  #lost = 0;
  #why = '';
  /** The last line broke off in its middle. */
  #isTorn = false;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  write(line: string): void {
    const missing = this.#lost === 0 ? '' : describeLoss(this.#lost, this.#why);
    const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${missing}${line}`);
    let written = 0;
    try {
      while (written < bytes.length) written += this.#writeSome(bytes.subarray(written));
      this.#lost = 0;
      this.#isTorn = false;
    } catch (error) {
      this.#lost += 1;
      this.#isTorn ||= written > 0;
      this.#why = codeOf(error);
    }
  }

  trouble(): string | null {
    if (this.#lost === 0) return null;
    return `the log cannot be written (${this.#why}): ${this.#lost} lines are lost; make room, or send it elsewhere`;
  }

  /** A pipe that is full is given a moment, unless it had its moment before. */
  #writeSome(bytes: Uint8Array): number {
    const deadline = performance.now() + (this.#lost === 0 ? SLOW_READER_MS : 0);
    for (;;) {
      try {
        return this.#write(bytes);
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || performance.now() >= deadline) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
      }
    }
  }
}

export function describeLoss(lines: number, why: string): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: 'warn', time, lines, why, message: 'log lines could not be written' })}\n`;
}

export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
}
