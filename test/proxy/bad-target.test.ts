// Targets that break the rules: the client sees truncation as truncation, never another request's answer, and never
// waits for ever; a connection on which anything was in doubt is not used again.
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { rawEntry } from './raw-target.ts';
import { Rig, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

type End = 'stays' | 'fin' | 'reset';

interface Row {
  readonly name: string;
  /** What the target answers. */
  readonly text: string;
  /** What it does then. */
  readonly end: End;
  /** What the client gets: a status and a body, and whether that is whole. */
  readonly gets: readonly [status: number, body: string, isWhole: boolean];
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const GATEWAY = [502, '', true] as const;

function row(name: string, text: string, end: End, ...gets: Row['gets']): Row {
  return { name, text, end, gets };
}

/** At every stage of an answer. */
const CUT_SHORT = (['fin', 'reset'] as const).flatMap((end) => [
  row(`nothing, then ${end}`, '', end, ...GATEWAY),
  row(`half a status line, then ${end}`, 'HTTP/1.1 2', end, ...GATEWAY),
  row(`half a head, then ${end}`, `${OK}Content-Le`, end, ...GATEWAY),
  row(`a head, then ${end}`, `${OK}Content-Length: 4\r\n\r\n`, end, 200, '', false),
  row(`half a counted body, then ${end}`, `${OK}Content-Length: 4\r\n\r\nok`, end, 200, 'ok', false),
  row(`half a chunk, then ${end}`, `${OK}${CHUNKED}\r\n4\r\nok`, end, 200, 'ok', false),
  row(`chunks without a last one, then ${end}`, `${OK}${CHUNKED}\r\n2\r\nok\r\n`, end, 200, 'ok', false),
  row(
    `chunks without the last line, then ${end}`,
    `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\n`,
    end,
    200,
    'ok',
    false,
  ),
]);

const SECOND = `${OK}Content-Length: 5\r\n\r\nother`;

const TOO_MUCH = [
  row('bytes behind its body', `${OK}Content-Length: 2\r\n\r\nokmore`, 'stays', 200, 'ok', true),
  row(
    'a second response behind a counted one',
    `${OK}Content-Length: 2\r\n\r\nok${SECOND}`,
    'stays',
    200,
    'ok',
    true,
  ),
  row(
    'a second response behind chunks',
    `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\n\r\n${SECOND}`,
    'stays',
    200,
    'ok',
    true,
  ),
  row('a body with 204', `HTTP/1.1 204 No Content\r\n\r\n${SECOND}`, 'stays', 204, '', true),
  row(
    'a body with 304',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n${SECOND}`,
    'stays',
    304,
    '',
    true,
  ),
  row('a head without an end', `${OK}${'X: y\r\n'.repeat(20_000)}`, 'stays', ...GATEWAY),
  row('a line without an end', `${OK}X: ${'y'.repeat(100_000)}`, 'stays', ...GATEWAY),
];

const AMBIGUOUS = [
  ['a length and chunks', `Content-Length: 2\r\n${CHUNKED}`],
  ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n'],
  ['a length with a sign', 'Content-Length: +2\r\n'],
  ['a negative length', 'Content-Length: -2\r\n'],
  ['a length that is none', 'Content-Length: two\r\n'],
  ['a huge length', 'Content-Length: 99999999999999999999\r\n'],
  ['a folded field', 'X: 1\r\n 2\r\nContent-Length: 2\r\n'],
  ['NUL in a field', 'X: \0\r\nContent-Length: 2\r\n'],
  ['a bare carriage return', 'X: 1\rContent-Length: 2\r\n'],
  ['a space before a colon', 'X : 1\r\nContent-Length: 2\r\n'],
].map(([name = '', fields = '']) => row(name, `${OK}${fields}\r\nok`, 'stays', ...GATEWAY));

const NO_HTTP = [
  'nonsense\r\n\r\n',
  'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok',
  'ICY 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 101 Over\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
].map((text) => row(JSON.stringify(text.slice(0, 20)), text, 'stays', ...GATEWAY));

/** The connection ends before even the head has gone out. */
const BAD_CHUNKS = ['0x2', '-2', '+2', '2 2', 'g', '', 'ffffffffffffffffff'].map((size) =>
  row(
    `the chunk size ${JSON.stringify(size)}`,
    `${OK}${CHUNKED}\r\n${size}\r\nok\r\n0\r\n\r\n`,
    'stays',
    0,
    '',
    false,
  ),
);

/** Answers `/bad` by the row, and everything else with its path and the number of its connection. */
async function listen({ text, end }: Row): Promise<{ readonly address: string; readonly asked: string[] }> {
  const [asked, open]: [string[], Set<Socket>] = [[], new Set()];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const path = / (\S+) /.exec(String(bytes))?.[1] ?? '';
      asked.push(`${path} ${connection}`);
      const body = `${path} ${connection}`;
      if (path !== '/bad') {
        socket.write(`${OK}Content-Length: ${body.length}\r\n\r\n${body}`);
        return;
      }
      socket.write(text, 'latin1');
      // What was written goes out before, and is read before.
      if (end !== 'stays')
        setTimeout(() => (end === 'fin' ? socket.destroy() : socket.resetAndDestroy()), 30);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, asked };
}

interface Got {
  readonly status: number;
  readonly body: string;
  readonly isWhole: boolean;
  /** Behind the answer. */
  readonly rest: string;
}

/** What comes for one request on a connection that is kept open, until it is whole or the connection ends. */
async function get(port: number, path: string): Promise<Got> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => socket.destroy());
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await until(() => socket.destroyed || readAnswer(received).isWhole, 'an answer has come, or the end');
  // Time for what should not come.
  await sleep(60);
  socket.destroy();
  return readAnswer(received);
}

function readAnswer(received: string): Got {
  const end = received.indexOf('\r\n\r\n') + 4;
  const head = received.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
  const text = received.slice(end);
  const length = /\r\nContent-Length: (\d+)/i.exec(head)?.[1];
  if (end < 4) return { status: 0, body: '', isWhole: false, rest: '' };
  if (status === 204 || status === 304) return { status, body: '', isWhole: true, rest: text };
  if (length !== undefined) {
    const size = Number(length);
    return { status, body: text.slice(0, size), isWhole: text.length >= size, rest: text.slice(size) };
  }
  const [whole, chunks = text, rest = ''] = /^(.*?)0\r\n\r\n(.*)$/s.exec(text) ?? [];
  const body = chunks.replace(/[0-9a-f]+\r\n(.*?)\r\n/gs, '$1');
  return { status, body, isWhole: whole !== undefined, rest };
}

describe.each([
  ['ends too early', CUT_SHORT],
  ['says too much', TOO_MUCH],
  ['frames its answer ambiguously', AMBIGUOUS],
  ['speaks no HTTP', NO_HTTP],
  ['sends bad chunks', BAD_CHUNKS],
])('a target that %s', (_name, rows) => {
  it.each(rows.map((each) => [each.name, each] as const))('%s', async (_row, each) => {
    const target = await listen(each);
    const port = await rig.serve({ web: rawEntry(target.address, { proxy: { retries: 0, timeout: '5s' } }) });
    const [status, body, isWhole] = each.gets;
    const got = await get(port, '/bad');
    expect(got).toMatchObject({ status, isWhole, rest: '' });
    if (status !== 502) expect(got.body).toBe(body);
    for (const path of ['/one', '/two'])
      expect(await get(port, path)).toEqual({ status: 200, body: `${path} 2`, isWhole: true, rest: '' });
    expect(target.asked).toEqual(['/bad 1', '/one 2', '/two 2']);
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight).toBe(0);
    expect(rig.problems).toEqual([]);
  });
});
