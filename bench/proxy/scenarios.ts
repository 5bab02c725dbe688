// What is asked of every proxy: a check that it answers rightly, and a load.
import { join } from 'node:path';
import { checkAnswer, type Wanted } from './answers.ts';
import { type BackendName, FILE_BYTES } from './backends.ts';
import { runEchoes } from './websocket.ts';
import { type Load, runWrk, type WrkOptions } from './wrk.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What one of them is called. */
  readonly unit: 'request' | 'message';
  readonly backend: BackendName;
  /** Throws when the answers are not what they should be. */
  check(port: number): Promise<void>;
  /** Throws when something of it failed. */
  load(port: number, seconds: number, signal: AbortSignal): Promise<Load>;
}

const MANY = 64;
/** Of large bodies fewer are on the way at once. */
const FEW = 8;
const MIB = 1_048_576;
const UPLOAD = { path: '/upload', upload: MIB, bytes: String(MIB).length };

export const SCENARIOS: readonly Scenario[] = [
  viaWrk('small', `100 bytes, ${MANY} kept-alive connections`, getFile('small'), MANY),
  viaWrk('16k', `16 KiB, ${MANY} kept-alive connections`, getFile('16k'), MANY),
  viaWrk('1m', `1 MiB, ${FEW} kept-alive connections`, getFile('1m'), FEW),
  viaWrk('chunked', `16 KiB in chunks of 2 KiB, ${MANY} kept-alive connections`, getFile('chunked'), MANY),
  viaWrk('newconn', `100 bytes, a new connection per request, ${MANY} at once`, getFile('small'), MANY, {
    headers: ['Connection: close'],
  }),
  viaWrk('upload', `POST of 1 MiB, ${FEW} kept-alive connections`, UPLOAD, FEW, {
    script: join(import.meta.dirname, 'upload.lua'),
  }),
  {
    name: 'websocket',
    title: `WebSocket, 64 bytes and back, ${MANY} connections`,
    unit: 'message',
    backend: 'echo',
    check: async (port) => void (await runEchoes(port, { connections: 1, seconds: 0 })),
    load: (port, seconds) => runEchoes(port, { connections: MANY, seconds }),
  },
];

function getFile(name: keyof typeof FILE_BYTES): Wanted {
  return { path: `/${name}`, bytes: FILE_BYTES[name], isChunked: name === 'chunked' };
}

function viaWrk(
  name: string,
  title: string,
  wanted: Wanted,
  connections: number,
  more: Pick<WrkOptions, 'headers' | 'script'> = {},
): Scenario {
  return {
    ...{ name, title, unit: 'request', backend: wanted.upload === undefined ? 'files' : 'echo' },
    check: (port) => checkAnswer(port, wanted),
    load: (port, seconds, signal) =>
      runWrk({ url: `http://127.0.0.1:${port}${wanted.path}`, connections, seconds, signal, ...more }),
  };
}
