import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rawEntry } from '../raw-target.ts';
import { ask, entryOf, LOOPBACK, Rig, readText, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

describe('a request on its way to the target', () => {
  it('keeps method, path, query, header case and order, and its body', async () => {
    const seen: { head?: IncomingMessage; body?: string } = {};
    const target = await rig.target(async (incoming, response) => {
      seen.head = incoming;
      seen.body = await readText(incoming);
      response.end('ok');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const headers = { 'X-Custom-CASE': 'a', cookie: 'b=1' };
    const answer = await ask(port, { method: 'PATCH', path: '/a//b/../c?x=%20&y', headers, body: 'hello' });
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(seen.head).toMatchObject({ method: 'PATCH', url: '/a//b/../c?x=%20&y' });
    expect(seen.head?.rawHeaders).toContain('X-Custom-CASE');
    expect(seen.head?.headers['content-length']).toBe('5');
    expect(seen.body).toBe('hello');
  });

  it('loses what Connection names, and every hop-by-hop field, before ours are added', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const fields = [
      'GET / HTTP/1.1',
      'Host: shop.test',
      'Connection: close, X-Secret, X-Forwarded-For, X-Request-Id, Host',
      'X-Secret: 1',
      'Keep-Alive: timeout=1',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic x',
      'TE: gzip, trailers',
      'Upgrade: foo',
    ];
    expect(await talk(port, `${fields.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200/);
    const absent = ['x-secret', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade'];
    for (const name of absent) expect(seen).not.toHaveProperty(name);
    expect(seen).toMatchObject({ host: 'shop.test', 'x-forwarded-for': '127.0.0.1', te: 'trailers' });
    expect(seen['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  const claimed = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'other.test',
    'X-Forwarded-Port': '1',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
    'X-Request-Id': 'given-1',
    X_Forwarded_For: '6.6.6.6',
    'X-Forwarded_Host': 'other.test',
    x_real_ip: '6.6.6.6',
    X_Request_Id: 'given-1',
    Transfer_Encoding: 'chunked',
    Host: 'shop.test',
  };

  it('says nothing that an untrusted client said of the way so far', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    await ask(await rig.serve({ web: entryOf([target]) }), { headers: claimed });
    expect(JSON.stringify(seen)).not.toMatch(/6\.6\.6\.6|given-1|other\.test/);
    expect(seen).toMatchObject({
      ...{ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'shop.test' },
      ...{ 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1;proto=http;host=shop.test' },
    });
    expect(seen).not.toHaveProperty('x-forwarded-port');
    expect(Object.keys(seen).filter((name) => name.includes('_'))).toEqual([]);
  });

  it('keeps what a trusted peer said, and adds the peer', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    await ask(await rig.serve({ web: entryOf([target]) }, { trusted: [LOOPBACK] }), {
      headers: claimed,
    });
    expect(seen).toMatchObject({
      ...{
        'x-forwarded-for': '6.6.6.6, 127.0.0.1',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'other.test',
      },
      ...{ 'x-request-id': 'given-1', 'x-real-ip': '6.6.6.6' },
      forwarded: 'for=6.6.6.6, for=127.0.0.1;proto=http;host=shop.test',
    });
    expect(Object.keys(seen).filter((name) => name.includes('_'))).toEqual([]);
  });

  it('puts the words of a trusted peer that knows no Forwarded into that field', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    const { Forwarded: _, ...headers } = claimed;
    await ask(await rig.serve({ web: entryOf([target]) }, { trusted: [LOOPBACK] }), { headers });
    expect(seen.forwarded).toBe(
      'for=6.6.6.6;proto=https;host=other.test, for=127.0.0.1;proto=http;host=shop.test',
    );
  });

  it.each(['DELETE', 'OPTIONS', 'GET', 'POST'])(
    'stays one request when a %s has a chunked body',
    async (method) => {
      const seen: string[] = [];
      const target = await rig.target(async (incoming, response) => {
        seen.push(`${incoming.method} ${incoming.url} ${await readText(incoming)}`);
        response.end();
      });
      const port = await rig.serve({ web: entryOf([target]) });
      const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const head = `${method} /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
      await talk(port, head + chunk);
      await ask(port, { path: '/two' });
      expect(seen).toEqual([`${method} /one ${body}`, 'GET /two ']);
    },
  );

  it.each([
    ['POST', '0'],
    ['PUT', '0'],
    ['PATCH', '0'],
    ['DELETE', undefined],
    ['GET', undefined],
  ])('without a body has as its length, if it is a %s: %s', async (method, length) => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    await talk(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(seen['content-length']).toBe(length);
    expect(seen).not.toHaveProperty('transfer-encoding');
  });

  it('carries the trailers of its body, but for what only the proxy says', async () => {
    let seen: NodeJS.Dict<string> = {};
    const target = await rig.target(async (incoming, response) => {
      await readText(incoming);
      seen = incoming.trailers;
      response.end();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n';
    const forbidden = [
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'X_Forwarded_For: 6',
      'X-Request-Id: 6',
    ];
    await talk(port, `${head}2\r\nhi\r\n0\r\nX-Sum: 9\r\n${forbidden.join('\r\n')}\r\n\r\n`);
    expect(seen).toEqual({ 'x-sum': '9' });
  });

  it('is held back while the target does not read: a large upload is never in memory as a whole', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let size = 0;
    const target = await rig.target(async (incoming, response) => {
      incoming.pause();
      await released;
      for await (const chunk of incoming) size += (chunk as Buffer).length;
      response.end('read');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const total = 64 * 1024 * 1024;
    const upload = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { 'Content-Length': total },
      agent: false,
    });
    const answered = new Promise<IncomingMessage>((resolve) => upload.once('response', resolve));
    const part = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const send = async (): Promise<void> => {
      for (; sent < total; sent += part.length) {
        if (!upload.write(part)) await new Promise((resolve) => upload.once('drain', resolve));
      }
      upload.end();
    };
    const sending = send();
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What the three sockets between them hold, and no more.
    expect(sent).toBeLessThan(total / 2);
    release();
    await sending;
    expect(await readText(await answered)).toBe('read');
    expect({ size }).toEqual({ size: total });
  });
});

describe('Expect: 100-continue', () => {
  const head =
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n';

  it('is answered when the target agrees, not before', async () => {
    const server = createServer();
    let agree: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      server.on('checkContinue', (incoming, response) => {
        agree = () => {
          response.writeContinue();
          void readText(incoming).then((text) => response.end(`got ${text}`));
        };
        resolve();
      });
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    rig.onClose(async () => server.closeAllConnections());
    rig.onClose(async () => {
      server.close();
    });
    const address = server.address();
    const port = await rig.serve({
      web: rawEntry(`127.0.0.1:${typeof address === 'object' ? address?.port : 0}`),
    });
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    await asked;
    expect(received).toBe('');
    agree();
    await until(() => received.includes('100 Continue'), 'the client is told to go on');
    socket.write('hi');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).toMatch(/got hi/);
  });

  it('is refused when the target refuses: the body is never asked for', async () => {
    const server = createServer();
    server.on('checkContinue', (_incoming, response) => {
      response.writeHead(401, { 'Content-Length': 2 });
      response.end('no');
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    rig.onClose(async () => {
      server.close();
    });
    const address = server.address();
    const port = await rig.serve({
      web: rawEntry(`127.0.0.1:${typeof address === 'object' ? address?.port : 0}`),
    });
    const received = await talk(port, head);
    expect(received).toMatch(/^HTTP\/1\.1 401/);
    expect(received).toMatch(/Connection: close/);
    server.closeAllConnections();
  });

  it('is 417 for any other expectation', async () => {
    const target = await rig.named('a');
    const port = await rig.serve({ web: entryOf([target]) });
    expect((await ask(port, { headers: { Expect: 'coffee' } })).status).toBe(417);
  });
});
