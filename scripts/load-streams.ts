// Long exchanges on one service through a proxy: a download whose checksum is compared, a WebSocket whose messages come
// back in order, an event stream without a gap. Each says how it ended, and which version it was on.
import { createHash } from 'node:crypto';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type LoadTarget, openRequest } from './load-exchange.ts';

export interface StreamReport {
  readonly version: string | null;
  /** As it called itself. */
  readonly replica: string | null;
  /** Messages, events, or pieces of the download. */
  readonly received: number;
  /** Who ended it. */
  readonly endedBy: 'us' | 'them';
  /** Null when nothing was lost, changed or cut off. */
  readonly problem: string | null;
}

export interface Stream {
  readonly ended: Promise<StreamReport>;
  isOpen(): boolean;
  received(): number;
  /** Which replica it is on; null until that has answered. */
  replica(): string | null;
  /** Ends it from our side. */
  close(): Promise<StreamReport>;
}

const SEND_MS = 100;

/** Resolves when it has ended; a body that is short or changed is a problem. */
export function download(target: LoadTarget, seconds: number): Promise<StreamReport> {
  return startDownload(target, seconds).ended;
}

export function startDownload(target: LoadTarget, seconds: number): Stream {
  const stream = new Recorder(() => request.destroy());
  const request = open(target, `/download?seconds=${seconds}`, stream, (response) => {
    const sum = createHash('sha256');
    response.on('data', (piece: Buffer) => {
      sum.update(piece);
      stream.count();
    });
    response.on('end', () => {
      const isSame = sum.digest('hex') === response.headers['x-sha256'];
      stream.end('them', isSame ? null : 'the checksum differs');
    });
  });
  request.on('error', (error) => stream.end('them', error.message));
  return stream;
}

export function startEvents(target: LoadTarget): Stream {
  const stream = new Recorder(() => request.destroy());
  const request = open(target, '/sse', stream, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const id = Number(/^id: (\d+)$/m.exec(text.slice(0, end))?.[1]);
        text = text.slice(end + 2);
        if (id !== stream.count()) stream.end('them', `event ${id} came as number ${stream.received()}`);
      }
    });
    response.on('end', () => stream.end('them', text === '' ? null : 'ended within an event'));
  });
  request.on('error', (error) => stream.end('them', error.message));
  return stream;
}

export function startEcho({ port, host, isSecure = false }: LoadTarget): Stream {
  const secure = isSecure ? { servername: host, rejectUnauthorized: false } : {};
  const url = `${isSecure ? 'wss' : 'ws'}://127.0.0.1:${port}/`;
  const socket = new WebSocket(url, { headers: { host }, ...secure });
  const stream = new Recorder(() => socket.close());
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  socket.on('upgrade', (response) => stream.sees(response));
  socket.on('open', () => {
    timer = setInterval(() => {
      sent += 1;
      if (socket.readyState === WebSocket.OPEN) socket.send(`message ${sent}`);
    }, SEND_MS);
  });
  socket.on('message', (message) => {
    const expected = `message ${stream.count()}`;
    if (String(message) !== expected) stream.end('them', `${String(message)} came instead of ${expected}`);
  });
  socket.on('error', (error) => stream.end('them', error.message));
  socket.on('close', (code) => {
    clearInterval(timer);
    stream.end('them', code === 1006 ? 'cut off without a close frame' : null);
  });
  return stream;
}

function open(
  target: LoadTarget,
  path: string,
  stream: Recorder,
  read: (response: IncomingMessage) => void,
): ClientRequest {
  const options = { path, headers: { host: target.host }, agent: false } as const;
  const request = openRequest(target, options, (response) => {
    stream.sees(response);
    response.on('error', (error) => stream.end('them', `cut off: ${error.message}`));
    if (response.statusCode === 200) return read(response);
    response.resume();
    stream.end('them', `status ${response.statusCode}`);
  });
  request.end();
  return request;
}

/** The first end counts. */
class Recorder implements Stream {
  readonly ended: Promise<StreamReport>;
  readonly #hangUp: () => void;
  readonly #settle: (report: StreamReport) => void;
  #version: string | null = null;
  #replica: string | null = null;
  #received = 0;
  #isOpen = true;

  constructor(hangUp: () => void = () => undefined) {
    const { promise, resolve } = Promise.withResolvers<StreamReport>();
    this.ended = promise;
    this.#settle = resolve;
    this.#hangUp = hangUp;
  }

  isOpen(): boolean {
    return this.#isOpen;
  }

  received(): number {
    return this.#received;
  }

  replica(): string | null {
    return this.#replica;
  }

  sees({ headers }: IncomingMessage): void {
    this.#version = String(headers['x-version'] ?? '');
    this.#replica = String(headers['x-replica'] ?? '');
  }

  /** The number of this message, from 1. */
  count(): number {
    this.#received += 1;
    return this.#received;
  }

  end(endedBy: StreamReport['endedBy'], problem: string | null): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const seen = { version: this.#version, replica: this.#replica, received: this.#received };
    this.#settle({ ...seen, endedBy, problem });
  }

  async close(): Promise<StreamReport> {
    this.end('us', null);
    this.#hangUp();
    return await this.ended;
  }
}
