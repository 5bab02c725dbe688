// Who says the same again with the next request or answer of a connection is not read anew. That must not be seen: each of
// them is what it would have been alone.
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type FieldBlock, parseRequestHead } from '../../proxy/clients/request-head.ts';
import { RequestParser } from '../../proxy/clients/request-parser.ts';
import { ask, entryOf, LOOPBACK, Rig, talk } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const FIELDS = 'Host: a\r\nAccept: x/y\r\nCookie: c=1\r\n';

/** One after the other on a connection: the next one when the answer to the last one is there. */
async function converse(port: number, requests: readonly string[]): Promise<readonly string[]> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  const answers: string[] = [];
  for (const request of requests) {
    socket.write(request, 'latin1');
    let answer = '';
    while (!answer.endsWith('\r\n\r\nok'))
      answer += await new Promise<string>((resolve, reject) => {
        socket.once('data', (chunk) => resolve(String(chunk)));
        socket.once('close', () => reject(new Error(`The connection ended after ${answer}`)));
      });
    answers.push(answer);
  }
  socket.removeAllListeners('close').destroy();
  return answers;
}

/** What the target is asked, word for word but for the name of each request. */
async function listen() {
  const heads: string[] = [];
  const ids: string[] = [];
  const target = await rig.target((request, response) => {
    const { method, url, rawHeaders } = request;
    ids.push(String(request.headers['x-request-id']));
    heads.push(`${method} ${url} ${JSON.stringify(rawHeaders)}`.replace(ids.at(-1) ?? '', 'ID'));
    response.end('ok');
  });
  return { target, heads, ids };
}

const withoutId = (text: string): string => text.replace(/X-Request-Id: .*/, '');

describe('a client that says the same of itself again', () => {
  it('has each request answered as if it had come alone', async () => {
    const requests = [
      `GET /one HTTP/1.1\r\n${FIELDS}\r\n`,
      `GET /two?x=1 HTTP/1.1\r\n${FIELDS}\r\n`,
      // Of these the target is told a length, or that the client can do no more than HTTP/1.0.
      `POST /three HTTP/1.1\r\n${FIELDS}\r\n`,
      `DELETE /four HTTP/1.1\r\n${FIELDS}\r\n`,
      `GET /five HTTP/1.1\r\n${FIELDS}Connection: keep-alive\r\n\r\n`,
      `GET /six HTTP/1.0\r\n${FIELDS}Connection: keep-alive\r\n\r\n`,
      `POST /seven HTTP/1.1\r\n${FIELDS}Content-Length: 2\r\n\r\nhi`,
      `POST /eight HTTP/1.1\r\n${FIELDS}Content-Length: 2\r\n\r\nho`,
      `GET http://a/nine HTTP/1.1\r\n${FIELDS}\r\n`,
      `GET /ten HTTP/1.1\r\n${FIELDS.replace('c=1', 'c=2')}\r\n`,
    ];
    const { target, heads, ids } = await listen();
    const port = await rig.serve({ web: entryOf([target]) });
    const together = await converse(port, requests);
    const seen = heads.splice(0);
    const alone = await Promise.all(requests.map(async (request) => (await converse(port, [request]))[0]));
    expect(seen).toHaveLength(requests.length);
    expect(heads.toSorted()).toEqual(seen.toSorted());
    expect(together.map(withoutId)).toEqual(alone.map((answer = '') => withoutId(answer)));
    expect(new Set(ids).size).toBe(2 * requests.length);
    expect(seen[2]).toContain('"Content-Length","0"');
    expect(seen[3]).not.toContain('Content-Length');
  });

  it('keeps the name that a trusted one gives its request', async () => {
    const { target, ids } = await listen();
    const port = await rig.serve({ web: entryOf([target]) }, { trusted: [LOOPBACK] });
    const named = `GET / HTTP/1.1\r\n${FIELDS}X-Request-Id: n-1\r\n\r\n`;
    const answers = await converse(port, [named, named, named.replace('n-1', 'n-2')]);
    expect(ids).toEqual(['n-1', 'n-1', 'n-2']);
    expect(answers.map((answer) => /X-Request-Id: (.*)/.exec(answer)?.[1])).toEqual(ids);
  });

  it('is refused once, and not heard again', async () => {
    const text = 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n';
    const answer = await talk(await rig.serve({}), text + text);
    expect(answer.match(/^HTTP\/1\.1 400 /gm)).toHaveLength(1);
  });
});

describe('a target that says the same again', () => {
  it('is heard as the table now has it, and as each client can read it', async () => {
    const target = await rig.target((request, response) => {
      response.sendDate = false;
      response.writeHead(200, { 'X-Own': request.url ?? '', Trailer: 'X-T' });
      response.write('o');
      response.addTrailers({ 'X-T': 'late' });
      response.end('k');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const first = [await ask(port), await ask(port)];
    const headers = { 'X-Own': '2', 'X-More': '3' };
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([target], { proxy: { headers } }) } });
    const second = await ask(port);
    const old = await converse(port, [`GET / HTTP/1.0\r\n${FIELDS}\r\n`]);
    const third = await ask(port, { path: '/other' });
    for (const answer of [...first, second, third])
      expect(answer).toMatchObject({ body: 'ok', headers: { trailer: 'X-T' }, trailers: { 'x-t': 'late' } });
    expect(first.map((answer) => answer.headers['x-own'])).toEqual(['/', '/']);
    expect(second.headers).toMatchObject({ 'x-own': '2', 'x-more': '3' });
    expect(old[0]).toContain('X-More: 3');
    expect(old[0]).not.toContain('Trailer');
    expect(new Set([...first, second, third].map((answer) => answer.headers['x-request-id'])).size).toBe(4);
  });

  it('is not taken for what it said before', async () => {
    let count = 0;
    const target = await rig.target((_request, response) => {
      count += 1;
      response.writeHead(200 + count, { 'X-Count': String(count) }).end('ok');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const answers = [await ask(port), await ask(port), await ask(port)];
    expect(answers.map(({ status, headers }) => [status, headers['x-count']])).toEqual([
      [201, '1'],
      [202, '2'],
      [203, '3'],
    ]);
    expect(target.sockets.size).toBe(1);
  });
});

describe('what is kept of a head', () => {
  const read = (head: string): readonly FieldBlock[] => {
    const blocks: FieldBlock[] = [];
    const parser = new RequestParser(32_768, {
      onRequest: ({ block }) => void blocks.push(block),
      onBody: () => undefined,
      onEnd: () => undefined,
    });
    for (const _ of [1, 2]) {
      parser.read(Buffer.from(head), 0);
      parser.next();
    }
    return blocks;
  };

  it.each([
    ['a small one', '/', 'X-A: b\r\n', true],
    ['one with a long path, which its fields would hold', `/${'a'.repeat(5_000)}`, '', false],
    ['one with a long field', '/', `X-A: ${'b'.repeat(5_000)}\r\n`, false],
    ['one with many fields', '/', 'a:\r\n'.repeat(100), false],
  ])('is little, and nothing of a large one: %s', (_what, path, fields, isKept) => {
    const [first, second] = read(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    expect(second).toEqual(first);
    expect(second === first).toBe(isKept);
  });
});

describe('the head of a request, read after another', () => {
  const blocks = [
    ...['Host: a\r\n', 'Host: b\r\n', 'Host: a\r\nConnection: close\r\n', 'Host: a\r\nUpgrade: x\r\n'],
    ...['Host: a\r\nContent-Length: 3\r\n', 'Host: a\r\nTransfer-Encoding: chunked\r\n', ''],
  ];
  const heads = ['GET / HTTP/1.1', 'GET / HTTP/1.0', 'POST /a?b HTTP/1.1'].flatMap((line) =>
    blocks.map((block) => `${line}\r\n${block}\r\n`),
  );

  it('is what it is alone', () => {
    let again = 0;
    for (const first of heads) {
      const before = parseRequestHead(first);
      if (typeof before === 'string') throw new Error(before);
      for (const second of heads) {
        const after = parseRequestHead(second, before.block);
        expect(after).toEqual(parseRequestHead(second));
        if (typeof after !== 'string' && after.block === before.block) again += 1;
      }
    }
    // The same version with the same fields: of three lines two have the same version.
    expect(again).toBe(5 * blocks.length);
  });
});
