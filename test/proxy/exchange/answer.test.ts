import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rawEntry, rawTarget } from '../raw-target.ts';
import { ask, entryOf, LOOPBACK, Rig, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

describe('an answer on its way to the client', () => {
  it('keeps status, text, several cookies and header order, and loses what is hop-by-hop', async () => {
    const address = await rawTarget(rig, (text, write) => {
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

  it('says what the request is called, to target and client alike, whatever the target calls it', async () => {
    let seen: unknown;
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers['x-request-id'];
      response.setHeader('X-Request-Id', 'its own');
      response.end();
    });
    const { headers } = await ask(await rig.serve({ web: entryOf([target]) }));
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(seen).toBe(headers['x-request-id']);
  });

  it('says what a trusted peer calls it, unless the service says something else of all', async () => {
    const target = await rig.named('a');
    const given = { headers: { 'X-Request-Id': 'given-1' } };
    const plain = await rig.serve({ web: entryOf([target]) }, { trusted: [LOOPBACK] });
    expect((await ask(plain, given)).headers['x-request-id']).toBe('given-1');
    const proxy = { headers: { 'X-Request-ID': 'hidden' } };
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([target], { proxy }) } });
    expect((await ask(plain, given)).headers['x-request-id']).toBe('hidden');
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
    const address = await rawTarget(rig, (text, write) => {
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
    const address = await rawTarget(rig, (_text, write) => {
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
