// Byte streams of the engine, read line by line with back-pressure and bounds: JSON lines (pull, events), and logs, which
// are framed unless the container has a TTY. Never trusts a length, never throws outside the loop that reads.
import type { Readable } from 'node:stream';
import { RuntimeFailure } from './errors.ts';

const MAX_JSON_LINE = 1024 * 1024;
/** Longest line of a log, in characters; what is beyond is dropped. The engine's time before it comes on top. */
export const MAX_LOG_LINE = 4096;
const MAX_STAMP = 40;

/** Objects, one per line. A malformed line, an over-long one, or a cut connection ends in a `RuntimeFailure`. */
export async function* readJsonLines(
  stream: Readable,
  what: string,
): AsyncGenerator<Record<string, unknown>> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(stream, what)) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_JSON_LINE)
      throw new RuntimeFailure('engine-error', `${what}: a line without an end`);
    for (const line of lines) if (line.trim() !== '') yield parseObject(line, what);
  }
  const wasGivenUp = stream.errored !== null;
  if (rest.trim() !== '' && !wasGivenUp) yield parseObject(rest, what);
}

function parseObject(line: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) return value;
  } catch (error) {
    throw malformed(line, what, error);
  }
  throw malformed(line, what, undefined);
}

function malformed(line: string, what: string, cause: unknown): RuntimeFailure {
  return new RuntimeFailure('engine-error', `${what}: not a JSON object: ${line.slice(0, 80)}`, { cause });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A cut in mid-stream surfaces as `engine-unavailable`; our own abort ends the loop quietly. */
export async function* chunksOf(stream: Readable, what: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    if (error instanceof RuntimeFailure && error.code === 'cancelled') return;
    throw new RuntimeFailure('engine-unavailable', `${what}: the engine’s reply was cut off`, {
      cause: error,
    });
  }
}

/** Log lines of both streams, in the order in which they ended. `tty`: the bytes are not framed. */
export async function* readLogLines(stream: Readable, tty: boolean, what: string): AsyncGenerator<string> {
  const assemblers = new Map<number, LineAssembler>();
  const unframer = new Unframer(tty);
  for await (const chunk of chunksOf(stream, what)) {
    for (const { channel, bytes } of unframer.push(chunk)) {
      const assembler = assemblers.get(channel) ?? new LineAssembler();
      assemblers.set(channel, assembler);
      yield* assembler.push(bytes);
    }
  }
  for (const assembler of assemblers.values()) yield* assembler.finish();
}

/** Docker's frame: channel, three zeros, length as a big-endian 32-bit integer, payload. Passes payloads on unbuffered. */
class Unframer {
  readonly #raw: boolean;
  #header = Buffer.alloc(0);
  #channel = 1;
  #left = 0;

  constructor(raw: boolean) {
    this.#raw = raw;
  }

  *push(chunk: Uint8Array): Generator<{ readonly channel: number; readonly bytes: Uint8Array }> {
    let rest = chunk;
    if (this.#raw) {
      yield { channel: 1, bytes: rest };
      return;
    }
    while (rest.length > 0) {
      if (this.#left === 0) rest = this.#readHeader(rest);
      const bytes = rest.subarray(0, this.#left);
      this.#left -= bytes.length;
      rest = rest.subarray(bytes.length);
      if (bytes.length > 0) yield { channel: this.#channel, bytes };
    }
  }

  #readHeader(bytes: Uint8Array): Uint8Array {
    const missing = 8 - this.#header.length;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, missing)]);
    if (this.#header.length === 8) {
      this.#channel = this.#header.readUInt8(0);
      this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
    return bytes.subarray(missing);
  }
}

/** Bytes of one channel → lines, each cut at 4 KiB. */
class LineAssembler {
  readonly #decoder = new TextDecoder();
  #line = '';

  *push(bytes: Uint8Array): Generator<string> {
    const [first = '', ...more] = this.#decoder.decode(bytes, { stream: true }).split('\n');
    this.#append(first);
    for (const text of more) {
      yield this.#take();
      this.#append(text);
    }
  }

  *finish(): Generator<string> {
    if (this.#line !== '') yield this.#take();
  }

  #append(text: string): void {
    if (this.#line.length < MAX_LOG_LINE + MAX_STAMP)
      this.#line = (this.#line + text).slice(0, MAX_LOG_LINE + MAX_STAMP);
  }

  #take(): string {
    const line = this.#line.replace(/\r$/, '');
    this.#line = '';
    return line;
  }
}
