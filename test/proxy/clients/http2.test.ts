// Requests over HTTP/2 through the whole proxy to targets of HTTP/1.1: what each side is told, both ways of a body, and how
// either side's end reaches the other.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askStream, HOST, Http2Rig } from '../http2-rig.ts';
import { entryOf, readText, splitOf, until } from '../rig.ts';

let rig: Http2Rig;
beforeEach(async () => {
  rig = new Http2Rig();
  await rig.issue();
});
afterEach(() => rig.close());

/** A target that says what it was asked. */
function mirror() {
  return rig.target((incoming, response) => {
    readText(incoming).then(
      (body) => {
        const { method, url, headers, trailers } = incoming;
        response.end(JSON.stringify({ method, url, headers, trailers, body }));
      },
      () => response.destroy(),
    );
  });
}

describe('a request', () => {
  it('reaches the target in the form of HTTP/1.1', async () => {
    const target = await mirror();
    await rig.serveBoth({ web: entryOf([target]) });
    const session = await rig.session();
    const answer = await askStream(
      session,
      {
        ...{ ':method': 'POST', ':path': '/a?b=c', te: 'trailers', cookie: ['a=1', 'b=2'] },
        ...{ 'x-forwarded-for': '9.9.9.9', 'x-request-id': 'mine', 'x-own': 'kept' },
      },
      'hello',
    );
    const told = JSON.parse(answer.body);
    expect(answer.status).toBe(200);
    expect(told).toMatchObject({
      ...{ method: 'POST', url: '/a?b=c', body: 'hello' },
      headers: {
        ...{ host: HOST, te: 'trailers', cookie: 'a=1; b=2', 'x-own': 'kept' },
        ...{ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': HOST },
        'transfer-encoding': 'chunked',
      },
    });
    expect(told.headers['x-request-id']).not.toBe('mine');
    expect(Object.keys(told.headers).some((name) => name.startsWith(':'))).toBe(false);
  });

  it('without a body has none for the target either', async () => {
    const target = await mirror();
    await rig.serveBoth({ web: entryOf([target]) });
    const session = await rig.session();
    const told = JSON.parse((await askStream(session)).body);
    expect(told.headers).not.toHaveProperty('transfer-encoding');
    const head = await askStream(session, { ':method': 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '', code: 0, isBare: true });
  });

  it('is HTTP/1.1 for who does not choose', async () => {
    await rig.serveBoth({ web: entryOf([await rig.named('a')]) });
    expect(await rig.ask({ host: HOST })).toMatchObject({ status: 200, body: 'a' });
    expect((await rig.connect(HOST, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('h2');
    expect((await rig.connect(HOST, { ALPNProtocols: ['http/1.1'] })).alpnProtocol).toBe('http/1.1');
  });
});

describe('an answer', () => {
  it('comes with its fields, and without those of a connection', async () => {
    const target = await rig.target((_incoming, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('Keep-Alive', 'timeout=5');
      response.setHeader('X-Twice', ['1', '2']);
      response.end('body');
    });
    await rig.serveBoth({ web: entryOf([target], { proxy: { affinity: { cookie: 'stay', ttl: '1h' } } }) });
    const { headers, body } = await askStream(await rig.session());
    expect(body).toBe('body');
    expect(headers).toMatchObject({ 'x-twice': '1, 2', 'content-length': '4' });
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2', expect.stringMatching(/^stay=1; .*Secure/)]);
    for (const name of ['connection', 'keep-alive', 'transfer-encoding'])
      expect(headers).not.toHaveProperty(name);
  });

  it('brings its trailers', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
    await rig.serveBoth({ web: entryOf([target]) });
    expect(await askStream(await rig.session())).toMatchObject({ body: 'body', trailers: { 'x-sum': '42' } });
  });

  it('that is cut short resets the stream, and the others go on', async () => {
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/whole') return void setTimeout(() => response.end('whole'), 50);
      response.write('half');
      setTimeout(() => response.destroy(), 10);
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const session = await rig.session();
    const [cut, whole] = await Promise.all([askStream(session), askStream(session, { ':path': '/whole' })]);
    expect(cut).toMatchObject({ status: 200, body: 'half', code: 2 });
    expect(whole).toMatchObject({ status: 200, body: 'whole', code: 0 });
  });

  it('before the body was read ends the stream, and the connection goes on', async () => {
    const target = await rig.target((_incoming, response) => response.writeHead(413).end('no'));
    await rig.serveBoth({ web: entryOf([target]) });
    const session = await rig.session();
    const stream = session.request({ ':authority': HOST, ':method': 'POST', ':path': '/' });
    stream.write('first');
    let [status, text]: [unknown, string] = [0, ''];
    stream.once('response', (head) => {
      status = head[':status'];
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await new Promise((resolve) => stream.once('close', resolve));
    expect([status, text, stream.rstCode]).toEqual([413, 'no', 0]);
    expect((await askStream(session)).status).toBe(413);
  });

  it('of 103 comes before the answer', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('a');
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const stream = (await rig.session()).request({ ':authority': HOST });
    const hints: unknown[] = [];
    stream.on('headers', (fields) => hints.push({ ...fields }));
    await readText(stream);
    expect(hints).toMatchObject([{ ':status': 103, link: '</a.css>; rel=preload' }]);
  });
});

describe('a client that leaves', () => {
  it('ends its request at the target', async () => {
    let left = 0;
    const target = await rig.target((incoming, response) => {
      response.flushHeaders();
      response.once('close', () => {
        left += 1;
      });
      incoming.resume();
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const session = await rig.session();
    const stream = session.request({ ':authority': HOST });
    await new Promise((resolve) => stream.once('response', resolve));
    stream.close(8);
    await until(() => left === 1, 'the target knows');
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight).toBe(0);
    const another = session.request({ ':authority': HOST });
    await new Promise((resolve) => another.once('response', resolve));
    session.destroy();
    await until(() => left === 2, 'the target knows that the connection has gone');
  });
});

describe('bodies', () => {
  it('of megabytes pass both ways whole', async () => {
    const target = await rig.target((incoming, response) => void incoming.pipe(response));
    await rig.serveBoth({ web: entryOf([target]) });
    const sent = 'x'.repeat(3_000_000);
    const session = await rig.session();
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => askStream(session, { ':method': 'POST' }, sent)),
    );
    for (const { body, code } of answers) expect([body === sent, code]).toEqual([true, 0]);
  });

  it('are held back where nobody reads', async () => {
    let produced = 0;
    const target = await rig.target((_incoming, response) => {
      const push = (): void => {
        while (produced < 64_000_000) {
          produced += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', push);
        }
        response.end();
      };
      push();
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const stream = (await rig.session()).request({ ':authority': HOST });
    await new Promise((resolve) => stream.once('response', resolve));
    let before = -1;
    await until(async () => {
      const isSame = produced === before;
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isSame;
    }, 'the target is held back');
    expect(produced).toBeLessThan(16_000_000);
    let received = 0;
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await until(() => received >= 64_000_000, 'all of it has come');
  });

  it('larger than the service takes are 413', async () => {
    await rig.serveBoth({ web: entryOf([await mirror()], { proxy: { max_body: 1_000 } }) });
    const session = await rig.session();
    const body = 'x'.repeat(5_000);
    expect((await askStream(session, { ':method': 'POST' }, body)).status).toBe(413);
    const told = { ':method': 'POST', 'content-length': '5000' };
    expect((await askStream(session, told, body)).status).toBe(413);
  });
});

it('the split, the counts and the stickiness are those of HTTP/1.1', async () => {
  const [a, b] = [await rig.named('a'), await rig.named('b')];
  const parts = [
    { revision: 1, weight: 50, target: a },
    { revision: 2, weight: 50, target: b },
  ];
  await rig.serveBoth({ web: splitOf(parts, { proxy: { affinity: { cookie: 'stay', ttl: '1h' } } }) });
  const session = await rig.session();
  const bodies: string[] = [];
  for (let time = 0; time < 10; time += 1) bodies.push((await askStream(session)).body);
  expect(bodies.filter((body) => body === 'a')).toHaveLength(5);
  for (let time = 0; time < 4; time += 1)
    expect((await askStream(session, { cookie: 'stay=2' })).body).toBe('b');
});
