// The response to a request of HTTP/1.1, framed as its head says. What is small gathers as text, byte by byte, and goes out
// in one write: when it is told to, or at its end.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type FieldLines, renderFields } from '../messages/field-lines.ts';
import type { ClientResponse } from './conversation.ts';
import { Listeners } from './listeners.ts';

/** As much text as is gathered. */
const MAX_TEXT = 16_384;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** The connection that it goes out on. */
export interface ResponseOwner {
  readonly socket: Socket;
  /** What a client that keeps its connection is told of that. */
  readonly keepAlive: string;
  /** All is written, and the system has it. */
  onFinished(): void;
  /** It speaks another protocol from now on. */
  forsake(): void;
}

export class Http1Response implements ClientResponse {
  readonly req: { readonly method: string; readonly httpVersionMinor: number };
  statusCode = 200;
  shouldKeepAlive: boolean;
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  readonly #owner: ResponseOwner;
  #framing: 'none' | 'plain' | 'chunked' = 'none';
  #trailers = '';
  #text = '';
  readonly #drains = new Listeners();
  readonly #finishes = new Listeners();
  readonly #closes = new Listeners();

  constructor(
    owner: ResponseOwner,
    request: { readonly method: string; readonly httpVersionMinor: number },
    isKept: boolean,
  ) {
    this.#owner = owner;
    this.req = request;
    this.shouldKeepAlive = isKept;
  }

  get socket(): Socket | null {
    const { socket } = this.#owner;
    return socket.destroyed ? null : socket;
  }

  writeHead(status: number, reason: string | undefined, fields: FieldLines, own: readonly string[]): void {
    const lines = fields.text + renderFields(own);
    const [hasLength, hasDate] = findOwn(fields.list);
    const isBare = this.req.method === 'HEAD' || status === 204 || status === 304;
    const isChunked = !isBare && !hasLength && this.req.httpVersionMinor > 0;
    // Only its end tells such a client where the body ends.
    if (!isBare && !hasLength && !isChunked) this.shouldKeepAlive = false;
    if (isBare) this.#framing = 'none';
    else this.#framing = isChunked ? 'chunked' : 'plain';
    this.statusCode = status;
    this.headersSent = true;
    const date = hasDate ? '' : `Date: ${tellDate()}\r\n`;
    const end = this.shouldKeepAlive ? this.#owner.keepAlive : 'Connection: close\r\n';
    const coding = isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    this.#text = `HTTP/1.1 ${status} ${reason ?? ''}\r\n${lines}${date}${end}${coding}\r\n`;
  }

  flush(): void {
    const text = this.#take();
    if (text !== '' && this.#owner.socket.writable) this.#owner.socket.write(text, 'latin1');
  }

  write(piece: string | Buffer, more?: 'latin1' | ((error?: Error | null) => void)): boolean {
    const { socket } = this.#owner;
    if (this.#framing === 'none' || piece.length === 0 || !socket.writable) return true;
    if (typeof piece !== 'string')
      return this.#writeBytes(piece, typeof more === 'string' ? undefined : more);
    const text = more === 'latin1' ? piece : Buffer.from(piece).toString('latin1');
    this.#text += this.#framing === 'chunked' ? `${text.length.toString(16)}\r\n${text}\r\n` : text;
    if (this.#text.length > MAX_TEXT) this.flush();
    return !socket.writableNeedDrain;
  }

  addTrailers(pairs: readonly [string, string][]): void {
    this.#trailers = renderFields(pairs.flat());
  }

  writeContinue(): void {
    this.#writeApart(CONTINUE);
  }

  writeInformation(status: number, fields: readonly string[]): void {
    this.#writeApart(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${renderFields(fields)}\r\n`);
  }

  end(): void {
    if (this.writableEnded) return;
    this.writableEnded = true;
    if (this.#framing === 'chunked') this.#text += `0\r\n${this.#trailers}\r\n`;
    const { socket } = this.#owner;
    if (!socket.writable) return;
    const text = this.#take();
    // Of what is encrypted, or stands behind something else, only the system's word tells when it is out.
    if (socket.writableLength > 0 || 'encrypted' in socket) socket.write(text, 'latin1', this.#finish);
    else {
      if (text !== '') socket.write(text, 'latin1');
      if (socket.writableLength === 0) this.#finish();
      else socket.write('', 'latin1', this.#finish);
    }
  }

  destroy(): void {
    this.#owner.socket.destroy();
  }

  detachSocket(): void {
    this.#owner.forsake();
  }

  once(event: 'drain' | 'finish' | 'close', listener: () => void): void {
    if (event === 'drain') this.#drains.add(listener);
    else if (event === 'finish') this.#finishes.add(listener);
    else this.#closes.add(listener);
  }

  /** For its connection: the client has taken what was held back. */
  tellDrain(): void {
    this.#drains.tell();
  }

  /** The connection has gone, or what is written now goes nowhere. */
  tellClose(): void {
    this.#closes.tell();
  }

  readonly #finish = (error?: Error | null): void => {
    if (error != null || this.writableFinished) return;
    this.writableFinished = true;
    this.#finishes.tell();
    this.#closes.tell();
    this.#owner.onFinished();
  };

  #writeBytes(bytes: Buffer, done: ((error?: Error | null) => void) | undefined): boolean {
    const { socket } = this.#owner;
    const isChunked = this.#framing === 'chunked';
    if (isChunked) this.#text += `${bytes.length.toString(16)}\r\n`;
    if (this.#text === '') return socket.write(bytes, done);
    socket.cork();
    socket.write(this.#take(), 'latin1');
    let mayGoOn = socket.write(bytes, done);
    if (isChunked) mayGoOn = socket.write('\r\n', 'latin1');
    socket.uncork();
    return mayGoOn;
  }

  #writeApart(text: string): void {
    const { socket } = this.#owner;
    if (socket.writable && !this.headersSent) socket.write(text, 'latin1');
  }

  #take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

/** Whether the list says a length and a date. */
function findOwn(fields: readonly string[]): readonly [hasLength: boolean, hasDate: boolean] {
  let [hasLength, hasDate] = [false, false];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name.length === 14 && name.toLowerCase() === 'content-length') hasLength = true;
    else if (name.length === 4 && name.toLowerCase() === 'date') hasDate = true;
  }
  return [hasLength, hasDate];
}

let date = '';
let dateSecond = 0;

function tellDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(second * 1_000).toUTCString();
  }
  return date;
}
