import { afterEach, describe, expect, it } from 'vitest';
import { ask, entryOf, Rig, talk } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const NAMED = 'Host: shop.test\r\n';

describe('a request that two readers could understand in two ways is refused, and no target sees it', () => {
  it.each([
    ['two Host fields', `GET / HTTP/1.1\r\n${NAMED}Host: other.test\r\n\r\n`],
    ['two equal Host fields', `GET / HTTP/1.1\r\n${NAMED}${NAMED}\r\n`],
    ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n'],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['a Host with user information', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
    ['a Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n'],
    ['two hosts in one field', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
    [
      'length and chunks together',
      `POST / HTTP/1.1\r\n${NAMED}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `POST / HTTP/1.1\r\n${NAMED}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`],
    ['a length with a sign', `POST / HTTP/1.1\r\n${NAMED}Content-Length: +3\r\n\r\nabc`],
    ['chunks in HTTP/1.0', `POST / HTTP/1.0\r\n${NAMED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [
      'an empty coding before chunked',
      `POST / HTTP/1.1\r\n${NAMED}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['an unknown coding', `POST / HTTP/1.1\r\n${NAMED}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    [
      'chunked twice',
      `POST / HTTP/1.1\r\n${NAMED}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a folded field', `GET / HTTP/1.1\r\n${NAMED}X-A: 1\r\n 2\r\n\r\n`],
    ['a bare line feed', `GET / HTTP/1.1\n${NAMED}\r\n`],
    ['a bare carriage return', `GET / HTTP/1.1\r\n${NAMED}X-A: 1\rX-B: 2\r\n\r\n`],
    ['a space before the colon', `GET / HTTP/1.1\r\n${NAMED}X-A : 1\r\n\r\n`],
    ['another host in absolute form', `GET http://other.test/ HTTP/1.1\r\n${NAMED}\r\n`],
    ['another scheme in absolute form', `GET ftp://shop.test/ HTTP/1.1\r\n${NAMED}\r\n`],
    ['HTTP/0.9', `GET / HTTP/0.9\r\n${NAMED}\r\n`],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${NAMED}\r\n`],
    ['CONNECT', `CONNECT shop.test:443 HTTP/1.1\r\n${NAMED}\r\n`],
    [
      'a bad chunk size',
      `POST / HTTP/1.1\r\n${NAMED}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
    ],
  ])('%s', async (_name, text) => {
    let asked = 0;
    const target = await rig.target((incoming, response) => {
      incoming.on('error', () => undefined);
      incoming.once('end', () => {
        asked += 1;
        response.end('served');
      });
      incoming.resume();
    });
    const received = await talk(await rig.serve({ web: entryOf([target]) }), text);
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(received).toMatch(/X-Request-Id: [0-9a-f]{32}/);
    expect(received).toMatch(/Connection: close/);
    expect(received).not.toMatch(/served/);
    expect(asked).toBe(0);
  });

  it('and 431 when its header does not end', async () => {
    const target = await rig.named('a');
    const port = await rig.serve({ web: entryOf([target]) });
    expect(await talk(port, `GET / HTTP/1.1\r\n${NAMED}X-A: ${'a'.repeat(70_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });
});

describe('a request in an unusual but valid form is served', () => {
  it.each([
    [
      'absolute form of its own host',
      `GET http://shop.test/a?b HTTP/1.1\r\n${NAMED}Connection: close\r\n\r\n`,
      '/a?b',
    ],
    [
      'absolute form without a path',
      `GET http://shop.test:80 HTTP/1.1\r\n${NAMED}Connection: close\r\n\r\n`,
      '/',
    ],
    ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${NAMED}Connection: close\r\n\r\n`, '*'],
    ['HTTP/1.0 without Host', 'GET /old HTTP/1.0\r\n\r\n', '/old'],
    [
      'an upgrade to h2c, which is left alone',
      `GET /h2 HTTP/1.1\r\n${NAMED}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
      '/h2',
    ],
  ])('%s', async (_name, text, url) => {
    const target = await rig.target((incoming, response) => response.end(`served ${incoming.url}`));
    const received = await talk(await rig.serve({ web: entryOf([target]) }), text);
    expect(received.endsWith(`served ${url}`)).toBe(true);
  });
});

describe('an answer of the proxy’s own', () => {
  it('is text or JSON by Accept, with the request’s id, and never cached', async () => {
    const target = await rig.named('a');
    const port = await rig.serve({ web: entryOf([target], { routes: [{ host: 'shop.test' }] }) });
    const text = await ask(port, { headers: { host: 'nowhere.test' } });
    expect(text.status).toBe(404);
    expect(text.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(text.body).toContain(`no-route, request ${text.headers['x-request-id']}`);
    const json = await ask(port, { headers: { host: 'nowhere.test', accept: 'application/json' } });
    expect(JSON.parse(json.body)).toEqual({
      error: 'no-route',
      message: 'No service is routed at this host and path.',
      request_id: json.headers['x-request-id'],
    });
    expect((await rig.proxy?.stats())?.unrouted).toEqual([0, 0, 0, 2, 0]);
  });
});
