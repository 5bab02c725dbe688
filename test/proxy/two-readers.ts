// The same bytes as a response, read by the proxy's parser and by node's: what either makes of them, as one value that
// can be compared.
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { ResponseParser } from '../../proxy/targets/response-parser.ts';

export interface Reading {
  /** Statuses of the interim responses. */
  readonly interim: number[];
  /** 0 while there is none. */
  status: number;
  reason: string;
  fields: readonly string[];
  body: string;
  trailers: readonly string[];
  /** Whole; ended before its end; no response; or over to another protocol, of which `body` is the beginning. */
  end: 'whole' | 'cut' | 'refused' | 'switched';
}

function blank(): Reading {
  return { interim: [], status: 0, reason: '', fields: [], body: '', trailers: [], end: 'cut' };
}

/** Latin-1 text to pieces, cut at these places. */
export function cutInto(text: string, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.filter((place) => place > 0 && place < text.length))].sort((a, b) => a - b);
  return [...ends, text.length].map((end, index) =>
    Buffer.from(text.slice(ends[index - 1] ?? 0, end), 'latin1'),
  );
}

/** `isEnded`: the connection ends behind the last piece. */
export function readHere(
  pieces: readonly Buffer[],
  method: string,
  isEnded: boolean,
): Reading & { keepMs: number } {
  const reading = blank();
  const parser = new ResponseParser();
  parser.begin(method, {
    onInformation: ({ status }) => reading.interim.push(status),
    onHead: ({ status, reason, fields }) => Object.assign(reading, { status, reason, fields }),
    onBody: (piece) => {
      reading.body += piece.toString('latin1');
    },
    onEnd: (trailers) => Object.assign(reading, { trailers, end: 'whole' }),
    onSwitch: ({ status, reason, fields }, first) =>
      Object.assign(reading, { status, reason, fields, body: first.toString('latin1'), end: 'switched' }),
  });
  for (const piece of pieces) if (!parser.read(piece)) return { ...reading, end: 'refused', keepMs: 0 };
  if (isEnded) parser.finish();
  return { ...reading, keepMs: parser.keepMs };
}

export function readByNode(pieces: readonly Buffer[], method: string, isEnded: boolean): Promise<Reading> {
  const reading = blank();
  const { promise, resolve } = Promise.withResolvers<Reading>();
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const asking = request({ method, path: '/', host: 'a', createConnection: () => socket });
  asking.on('information', ({ statusCode }) => reading.interim.push(statusCode));
  asking.on('upgrade', ({ statusCode, statusMessage, rawHeaders }, _socket, first: Buffer) => {
    const head = { status: statusCode ?? 0, reason: statusMessage ?? '', fields: rawHeaders };
    resolve({ ...reading, ...head, body: first.toString('latin1'), end: 'switched' });
  });
  asking.on('response', (response) => {
    const { statusCode = 0, statusMessage = '', rawHeaders } = response;
    Object.assign(reading, { status: statusCode, reason: statusMessage, fields: rawHeaders });
    response.on('data', (piece: Buffer) => {
      reading.body += piece.toString('latin1');
    });
    response.on('error', () => undefined);
    response.on('close', () =>
      resolve({
        ...reading,
        trailers: response.rawTrailers,
        end: response.complete ? 'whole' : reading.end,
      }),
    );
  });
  asking.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    reading.end = code.startsWith('HPE_') ? 'refused' : 'cut';
    if (reading.status === 0) resolve(reading);
  });
  asking.end();
  void feed(socket, pieces, isEnded, () => asking.destroy());
  return promise;
}

/** One piece a turn, once the client listens; then whatever is not whole is given up. */
async function feed(
  socket: Duplex,
  pieces: readonly Buffer[],
  isEnded: boolean,
  giveUp: () => void,
): Promise<void> {
  const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
  await turn();
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.push(piece);
    await turn();
  }
  if (isEnded && !socket.destroyed) socket.push(null);
  await turn();
  await turn();
  giveUp();
}
