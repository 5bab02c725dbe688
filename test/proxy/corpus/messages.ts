// Rows of requests as a client would send them who looks for a reader's weak point: well-formed ones, ones with one part
// wrong, and a few bytes changed in either. Texts only; a function of the seed.
import { BITS, mutate } from '../mutations.ts';

type Chance = () => number;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PURGE', 'get', 'CONNECT'];
const TARGETS = ['/', '/a?b=c', '//a', 'http://a/b', 'http://b/', '*', '/%00', '/a b', 'a:80', ''];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0'];
const HOSTS = ['Host: a', 'Host: a', 'Host: a', 'host:a', 'Host: a\t', 'Host : a', 'Host: a, b', 'X-No: a'];
const FIELDS = [
  ...['X-A: 1', 'X-A:', 'X-A: \t1 ', 'X-A: a\tb', 'X-A: \xe9', 'x_a: 1', 'Accept: */*', 'Cookie: a=b; c=d'],
  ...[
    'Connection: close',
    'Connection: keep-alive',
    'Connection: X-A',
    'Connection: content-length',
    'TE: trailers',
  ],
  ...[
    'Expect: 100-continue',
    'Upgrade: websocket',
    'Connection: upgrade',
    'Keep-Alive: timeout=5',
    'X-A : 1',
    ' X-A: 1',
  ],
  ...[
    'X A: 1',
    ': 1',
    'X-A',
    'X-A: \0',
    'X-A: \r',
    'X-A: 1\r\n 2',
    'Host: b',
    'Trailer: X-T',
    'X-Request-Id: 1',
  ],
];
const LENGTHS = [
  '0',
  '1',
  '+1',
  '-1',
  '1, 1',
  '1,2',
  '0x1',
  '01',
  '1 ',
  '1e0',
  '',
  '99999999999999999999',
  '４',
];
const CODINGS = [
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  ',chunked',
  'chunked,',
  'x',
  '',
];
const SIZES = [
  '0',
  '1',
  '3',
  'a',
  'A',
  '+1',
  '-1',
  '0x1',
  '01',
  '1;a=b',
  '1 ; a',
  '1;\x80',
  ' 1',
  'g',
  '',
  '7fffffffffffffff',
];
const TRAILERS = [
  '',
  '',
  '',
  'X-T: 1\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'X T: 1\r\n',
  'Host: b\r\n',
];
const ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n'];

/** One connection's worth, and of how many requests it is made. */
export function writeMessages(chance: Chance): { readonly text: string; readonly count: number } {
  const count = 1 + Math.floor(chance() * 3);
  const text = Array.from({ length: count }, () => writeRequest(chance)).join('');
  const cuts = Math.max(0, Math.floor(chance() * 6) - 3);
  const changes = Array.from({ length: cuts }, () => ({
    at: chance(),
    drop: Math.floor(chance() * 3),
    put: pick(chance, BITS),
  }));
  return { text: mutate(text, changes), count };
}

function writeRequest(chance: Chance): string {
  // Each part is as it should be most of the time: a message with one fault is read further than one with many.
  const mostly = <T>(usual: T, others: readonly T[]): T => (chance() < 0.92 ? usual : pick(chance, others));
  const line = [mostly('GET', METHODS), mostly('/one', TARGETS), mostly('HTTP/1.1', VERSIONS)].join(' ');
  const fields = [mostly('Host: a', HOSTS)];
  while (chance() < 0.4) fields.push(pick(chance, FIELDS));
  const { framing, body } = writeBody(chance, mostly);
  const head = [line, ...shuffle(chance, [...fields, ...framing])].map((each) => each + mostly('\r\n', ENDS));
  return `${head.join('')}${mostly('\r\n', ENDS)}${body}`;
}

function writeBody(chance: Chance, mostly: <T>(usual: T, others: readonly T[]) => T) {
  const content = pick(chance, ['abc', 'GET /in HTTP/1.1\r\nHost: a\r\n\r\n', '0\r\n\r\n', '\r\n']);
  const length = `Content-Length: ${mostly(`${content.length}`, LENGTHS)}`;
  const coding = `Transfer-Encoding: ${mostly('chunked', CODINGS)}`;
  const size = mostly(content.length.toString(16), SIZES);
  const chunked = `${size}${mostly('\r\n', ENDS)}${content}${mostly('\r\n', ENDS)}0\r\n${pick(chance, TRAILERS)}\r\n`;
  return pick(chance, [
    { framing: [], body: '' },
    { framing: [length], body: content },
    { framing: [coding], body: chunked },
    {
      framing: mostly(
        [coding],
        [
          [coding, length],
          [length, coding],
          [coding, coding],
        ],
      ),
      body: chunked,
    },
    { framing: mostly([length], [[length, length], [length, coding], []]), body: content },
  ]);
}

function shuffle<T>(chance: Chance, all: readonly T[]): readonly T[] {
  const start = Math.floor(chance() * all.length);
  return [...all.slice(start), ...all.slice(0, start)];
}

function pick<T>(chance: Chance, all: readonly T[]): T {
  return all[Math.floor(chance() * all.length)] as T;
}
