// The response to a request of HTTP/2, on its stream. Its head waits for what comes behind it: where nothing does, the head
// alone is the response, as gRPC has it for errors. One that is cut short resets the stream, and never ends it.
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { FieldLines } from '../messages/field-lines.ts';
import type { ClientRequest, ClientResponse, Outlet } from './conversation.ts';
import { joinValues } from './field-names.ts';

/** What HTTP/2 can carry. */
const [MIN_STATUS, MAX_STATUS] = [200, 599];
const BODILESS_STATUS: ReadonlySet<number> = new Set([204, 205, 304]);

export class StreamResponse implements ClientResponse, Outlet {
  readonly req: ClientRequest;
  statusCode = 200;
  /** Of no meaning for a stream: its connection ends by GOAWAY. */
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  /** Until it goes out. */
  #head: OutgoingHttpHeaders | null = null;
  #headersSent = false;
  #isEnded = false;
  #trailers: OutgoingHttpHeaders = {};
  #timer: NodeJS.Timeout | null = null;

  constructor(stream: ServerHttp2Stream, request: ClientRequest) {
    this.#stream = stream;
    this.req = request;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  /** Node ends its side of a HEAD request by itself, before there is a response. */
  get writableFinished(): boolean {
    return this.#isEnded && this.#stream.writableFinished;
  }

  get writableLength(): number {
    return this.#stream.writableLength;
  }

  get socket(): Outlet {
    return this;
  }

  /** Node's own timer of a stream is put off by whatever else its connection sends. */
  setTimeout(ms: number, onTimeout: () => void): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    if (ms === 0) return;
    const before = this.#stream.writableLength;
    const look = (): void => {
      if (this.#stream.writableLength < before) this.setTimeout(ms, onTimeout);
      else if (!this.#stream.destroyed) onTimeout();
    };
    this.#timer = setTimeout(look, ms).unref();
  }

  writeHead(status: number, _reason: string | undefined, fields: FieldLines, own: readonly string[]): void {
    if (status < MIN_STATUS || status > MAX_STATUS)
      throw new RangeError(`HTTP/2 carries no status ${status}.`);
    this.statusCode = status;
    this.#headersSent = true;
    this.#head = toFields([...fields.list, ...own]);
    this.#head[':status'] = status;
  }

  flush(): void {
    this.#respond(false);
  }

  write(piece: string | Buffer, more?: 'latin1' | ((error?: Error | null) => void)): boolean {
    this.#respond(false);
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return true;
    return typeof more === 'string' ? stream.write(piece, more) : stream.write(piece, more);
  }

  addTrailers(pairs: readonly [string, string][]): void {
    this.#trailers = toFields(pairs.flat());
  }

  writeContinue(): void {
    this.writeInformation(100, []);
  }

  writeInformation(status: number, fields: readonly string[]): void {
    const stream = this.#stream;
    if (!stream.destroyed && !stream.closed)
      stream.additionalHeaders({ ...toFields(fields), ':status': status });
  }

  /** The client may stop sending what nobody wants any more (RFC 9113 8.1). */
  end(): void {
    this.#isEnded = true;
    this.#respond(Object.keys(this.#trailers).length === 0);
    const stream = this.#stream;
    if (!stream.writableEnded) stream.end();
    if (!stream.readableEnded && !stream.endAfterHeaders) stream.once('finish', () => this.#stopUnread());
  }

  /** Not whole. */
  destroy(): void {
    this.#stream.destroy(new Error('The response was cut short.'));
  }

  once(event: 'drain' | 'finish' | 'close', listener: () => void): void {
    this.#stream.once(event, listener);
  }

  #respond(isAll: boolean): void {
    const [head, stream] = [this.#head, this.#stream];
    this.#head = null;
    if (head === null || stream.destroyed || stream.closed) return;
    const endStream = isAll || BODILESS_STATUS.has(this.statusCode) || this.req.method === 'HEAD';
    // Where the length is known there are none, as in HTTP/1.1.
    const waitForTrailers = !endStream && head['content-length'] === undefined;
    try {
      stream.respond(head, { endStream, waitForTrailers });
    } catch {
      // Nothing that node refuses should get so far.
      this.destroy();
      return;
    }
    if (waitForTrailers) stream.once('wantTrailers', () => stream.sendTrailers(this.#trailers));
  }

  #stopUnread(): void {
    const stream = this.#stream;
    // A stream that is held is never over for node, nor is its connection.
    stream.resume();
    if (!stream.destroyed && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

/** Several fields of one name are one list, but for `Set-Cookie`, whose values hold commas. */
function toFields(list: readonly string[]): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {};
  const cookies: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const name = (list[index] ?? '').toLowerCase();
    const value = list[index + 1] ?? '';
    if (name === 'set-cookie') cookies.push(value);
    else fields[name] = joinValues(String(fields[name] ?? ''), value);
  }
  if (cookies.length > 0) fields['set-cookie'] = cookies;
  return fields;
}
