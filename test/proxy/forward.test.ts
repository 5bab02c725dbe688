import { createServer, type IncomingMessage, request } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, entryOf, Rig, readText, talk, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** A target of raw bytes: what it is sent, and what it answers with. */
async function rawTarget(
  onText: (text: string, write: (text: string) => void, end: () => void) => void,
): Promise<string> {
  const server = createTcpServer((socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      onText(
        text,
        (answer) => socket.write(answer, 'latin1'),
        () => socket.destroy(),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

function rawEntry(address: string, more = {}) {
  return entryOf([], { targets: [{ revision: 1, address }], ...more });
}

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
    expect(seen['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  const claimed = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'other.test',
    'X-Forwarded-Port': '1',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
    'X-Request-Id': 'given-1',
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
      'x-real-ip': '127.0.0.1',
    });
    expect(seen).not.toHaveProperty('x-forwarded-port');
  });

  it('keeps what a trusted peer said, and adds the peer', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    await ask(await rig.serve({ web: entryOf([target]) }, { trusted: ['127.0.0.0/8'] }), {
      headers: claimed,
    });
    expect(seen).toMatchObject({
      ...{
        'x-forwarded-for': '6.6.6.6, 127.0.0.1',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'other.test',
      },
      ...{ 'x-request-id': 'given-1', 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' },
    });
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

  it('carries the trailers of its body', async () => {
    let seen: NodeJS.Dict<string> = {};
    const target = await rig.target(async (incoming, response) => {
      await readText(incoming);
      seen = incoming.trailers;
      response.end();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n';
    await talk(port, `${head}2\r\nhi\r\n0\r\nX-Sum: 9\r\n\r\n`);
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
    expect(size).toBe(total);
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

describe('an answer on its way to the client', () => {
  it('keeps status, text, several cookies and header order, and loses what is hop-by-hop', async () => {
    const address = await rawTarget((text, write) => {
      if (!text.includes('\r\n\r\n')) return;
      write(
        'HTTP/1.1 299 Very Fine\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nConnection: X-Hop\r\nX-Hop: 1\r\n' +
          'Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
      );
    });
    const received = await talk(
      await rig.serve({ web: rawEntry(address) }),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(received).toMatch(
      /^HTTP\/1\.1 299 Very Fine\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n/,
    );
    expect(received).not.toMatch(/X-Hop|timeout=1/);
  });

  it('carries trailers, and drops their announcement where none can follow', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('hi');
      response.addTrailers({ 'X-Sum': '9' });
      response.end();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const answer = await ask(port);
    expect(answer.headers.trailer).toBe('X-Sum');
    expect(answer.trailers).toEqual({ 'x-sum': '9' });
    const old = await talk(port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1\.1 200/);
    expect(old).not.toMatch(/Trailer|chunked/);
    expect(old).toMatch(/\r\n\r\nhi$/);
  });

  it('to HEAD may announce trailers that never come', async () => {
    const address = await rawTarget((text, write) => {
      if (text.includes('\r\n\r\n'))
        write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n');
    });
    const answer = await ask(await rig.serve({ web: rawEntry(address) }), { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('trailer');
  });

  it('to HEAD has the length and no body', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'Content-Length': '5' });
      response.end();
    });
    const answer = await ask(await rig.serve({ web: entryOf([target]) }), { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers['content-length']).toBe('5');
  });

  it('is preceded by early hints', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeEarlyHints({
        link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'],
      });
      response.end('page');
    });
    const received = await talk(
      await rig.serve({ web: entryOf([target]) }),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(received).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>.*<\/b\.js>.*\r\n\r\nHTTP\/1\.1 200/s,
    );
  });

  it('carries the headers that the table sets, in place of the target’s own', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'X-Frame-Options': 'ALLOW', Server: 'x' });
      response.end();
    });
    const proxy = { headers: { 'x-frame-options': 'DENY' } };
    const answer = await ask(await rig.serve({ web: entryOf([target], { proxy }) }));
    expect(answer.headers).toMatchObject({ 'x-frame-options': 'DENY', server: 'x' });
  });

  it('goes out at once when its body is yet to come', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const asking = request({ port, host: '127.0.0.1', agent: false });
    asking.on('error', () => undefined);
    const response = await new Promise<IncomingMessage>((resolve) => {
      asking.once('response', resolve);
      asking.end();
    });
    expect(response.headers['content-type']).toBe('text/event-stream');
    asking.destroy();
  });

  it('ends with the connection when the target dies in mid-body, chunked or counted', async () => {
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/counted') response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => incoming.socket.destroy());
    });
    const port = await rig.serve({ web: entryOf([target]) });
    for (const path of ['/chunked', '/counted']) {
      const received = await talk(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(received).toMatch(/half/);
      expect(received).not.toMatch(/0\r\n\r\n$/);
    }
    const stats = await rig.proxy?.stats();
    expect(stats?.services.web?.revisions[0]?.errors.truncated).toBe(2);
  });

  it('is 502 when it is not HTTP, and then the connection is not used again', async () => {
    let connections = 0;
    const address = await rawTarget((_text, write) => {
      connections += 1;
      write('nonsense\r\n\r\n');
    });
    const port = await rig.serve({ web: rawEntry(address) });
    const answer = await ask(port, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({
      error: 'target-failed',
      request_id: answer.headers['x-request-id'],
    });
    expect((await ask(port)).status).toBe(502);
    expect(connections).toBe(2);
  });
});

describe('limits', () => {
  it('answer 504 when the first byte does not come in time, without asking anyone twice', async () => {
    let asked = 0;
    const target = await rig.target(() => {
      asked += 1;
    });
    const port = await rig.serve({ web: entryOf([target], { proxy: { timeout: '100ms', retries: 3 } }) });
    expect((await ask(port)).status).toBe(504);
    expect(asked).toBe(1);
    await until(() => target.sockets.size === 0, 'the target’s connection is closed');
  });

  it('cut an answer that stalls for the idle timeout', async () => {
    const target = await rig.target((_incoming, response) => {
      response.write('half');
    });
    const port = await rig.serve({ web: entryOf([target], { proxy: { idle_timeout: '100ms' } }) });
    await expect(ask(port)).rejects.toThrow();
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['idle-timeout']).toBe(1);
  });

  it('answer 408 when the client stops sending its body', async () => {
    const target = await rig.target((incoming, response) => {
      incoming.resume().once('end', () => response.end());
    });
    const port = await rig.serve({ web: entryOf([target], { proxy: { idle_timeout: '100ms' } }) });
    expect(await talk(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')).toMatch(
      /^HTTP\/1\.1 408/,
    );
  });

  it('answer 413 to a body over max_body: announced before the target is asked, counted while it flows', async () => {
    let asked = 0;
    const target = await rig.target((incoming, response) => {
      asked += 1;
      incoming.resume().once('end', () => response.end('fits'));
    });
    const port = await rig.serve({ web: entryOf([target], { proxy: { max_body: 4 } }) });
    expect((await ask(port, { method: 'POST', body: '12345' })).status).toBe(413);
    expect(asked).toBe(0);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    expect(await talk(port, `${head}5\r\n12345\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413/);
    expect(await ask(port, { method: 'POST', body: '1234' })).toMatchObject({ status: 200, body: 'fits' });
  });
});

describe('a client that leaves', () => {
  it('takes its connection to the target with it: after 20 event streams none is left', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const clients = Array.from({ length: 20 }, () => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
      return socket;
    });
    await Promise.all(clients.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    expect(target.sockets.size).toBe(20);
    for (const socket of clients) socket.destroy();
    await until(() => target.sockets.size === 0, 'no connection to the target is left');
    const stats = await rig.proxy?.stats();
    expect(stats?.services.web?.revisions[0]?.inFlight).toBe(0);
  });

  it('in mid-upload does so as well', async () => {
    const target = await rig.target((incoming) => incoming.resume());
    const port = await rig.serve({ web: entryOf([target]) });
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc'),
    );
    await until(() => target.sockets.size === 1, 'the target is asked');
    socket.destroy();
    await until(() => target.sockets.size === 0, 'no connection to the target is left');
  });
});
