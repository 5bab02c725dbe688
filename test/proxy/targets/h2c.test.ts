// Requests through the whole proxy to targets that speak HTTP/2 without TLS, from clients of HTTP/1.1 and of HTTP/2.
import type { ServerHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CODES, FLAGS, type FrameClient, frame, TYPES, uint32 } from '../frame-client.ts';
import { head } from '../frame-stage.ts';
import { fieldOf, frameTarget, h2cEntry, h2cTarget } from '../h2c-target.ts';
import { askStream, HOST, Http2Rig } from '../http2-rig.ts';
import { rawTarget } from '../raw-target.ts';
import { ask, entryOf, readText, talk, until } from '../rig.ts';

let rig: Http2Rig;
beforeEach(async () => {
  rig = new Http2Rig();
  await rig.issue();
});
afterEach(() => rig.close());

function mirror(stream: ServerHttp2Stream, fields: readonly string[]): void {
  readText(stream).then(
    (body) => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ fields, body }));
    },
    () => undefined,
  );
}

describe('a request of HTTP/1.1', () => {
  it('reaches the target in the form of HTTP/2', async () => {
    const target = await h2cTarget(rig, mirror);
    await rig.serve({ web: h2cEntry([target.address]) });
    const headers = {
      Host: HOST,
      Cookie: ['a=1', 'b=2'],
      Connection: 'X-Gone',
      'X-Gone': '1',
      'X-Kept': '2',
    };
    const answer = await ask(rig.port, { method: 'POST', path: '/a?b', headers, body: 'hello' });
    const { fields, body } = JSON.parse(answer.body);
    expect([answer.status, body]).toEqual([200, 'hello']);
    const told = [':method', ':path', ':authority', ':scheme', 'cookie', 'x-kept', 'content-length'];
    expect(told.map((name) => fieldOf(fields, name))).toEqual([
      'POST',
      '/a?b',
      HOST,
      'http',
      'a=1; b=2',
      '2',
      '5',
    ]);
    expect(fieldOf(fields, 'x-forwarded-for')).toBe('127.0.0.1');
    for (const name of ['host', 'connection', 'x-gone', 'transfer-encoding'])
      expect(fieldOf(fields, name)).toBeUndefined();
  });

  it('with chunks and trailers brings both, and gets those of the answer', async () => {
    let trailers: unknown = null;
    const target = await h2cTarget(rig, (stream) => {
      stream.on('trailers', (given) => {
        trailers = { ...given };
      });
      readText(stream).then(
        (text) => {
          stream.respond({ ':status': 200 }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
          stream.end(text);
        },
        () => undefined,
      );
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    const answer = await talk(
      rig.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nTrailer: X-In\r\n\r\n3\r\nabc\r\n0\r\nX-In: 7\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n$/);
    expect(trailers).toMatchObject({ 'x-in': '7' });
  });

  it('waits with its body until the target wants it', async () => {
    const target = await h2cTarget(rig, (stream) => {
      setTimeout(() => stream.additionalHeaders({ ':status': 100 }), 50);
      readText(stream).then(
        (text) => {
          stream.respond({ ':status': 200 });
          stream.end(text);
        },
        () => undefined,
      );
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n';
    const text = await talk(rig.port, head, 'abc');
    expect(text).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n.*abc/s);
  });

  it.each([
    ['HEAD', 200, '5'],
    ['GET', 304, '5'],
    ['GET', 204, undefined],
  ])('gets no body where there is none: %s, %i', async (method, status, length) => {
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': status, ...(length === undefined ? {} : { 'content-length': length }) });
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    for (let time = 0; time < 2; time += 1) {
      const answer = await ask(rig.port, { method });
      expect([answer.status, answer.body, answer.headers['content-length']]).toEqual([status, '', length]);
    }
  });

  it('for another protocol is refused', async () => {
    const target = await h2cTarget(rig, mirror);
    await rig.serve({ web: h2cEntry([target.address]) });
    const text = await talk(
      rig.port,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1.1 501 .*no-upgrade/s);
    expect(target.opened()).toBe(0);
  });
});

describe('an answer', () => {
  it('that is cut short is never whole, whatever the code', async () => {
    for (const code of [CODES.none, CODES.cancel, CODES.internal]) {
      const address = await frameTarget(rig, (peer) => {
        peer.onFrame(({ type, stream }) => {
          if (type !== TYPES.headers) return;
          peer.send(TYPES.headers, FLAGS.endHeaders, stream, Buffer.from([0x88]));
          peer.send(TYPES.data, 0, stream, Buffer.from('half'));
          setTimeout(() => peer.send(TYPES.reset, 0, stream, uint32(code)), 30);
        });
      });
      await rig.serveBoth({ web: h2cEntry([address]) });
      await expect(ask(rig.port)).rejects.toThrow();
      const answer = await askStream(await rig.session());
      expect(answer).toMatchObject({ body: 'half', code: CODES.internal });
    }
  });

  it('of megabytes passes both ways, to both kinds of clients', async () => {
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    await rig.serveBoth({ web: h2cEntry([target.address]) });
    const sent = 'x'.repeat(5_000_000);
    expect((await ask(rig.port, { method: 'POST', body: sent })).body === sent).toBe(true);
    const session = await rig.session();
    const many = await Promise.all([1, 2, 3].map(() => askStream(session, { ':method': 'POST' }, sent)));
    for (const { body, code } of many) expect([body === sent, code]).toEqual([true, 0]);
  });

  it('in small pieces reaches a client of HTTP/1.1 piece by piece', async () => {
    const streams: ServerHttp2Stream[] = [];
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
      streams.push(stream);
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    const socket = connect(rig.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    rig.onClose(async () => void socket.destroy());
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
    });
    await until(() => received.endsWith('\r\n\r\n'), 'the head has come');
    for (const piece of ['one', 'two']) {
      streams[0]?.write(piece);
      await until(() => received.endsWith(`\r\n3\r\n${piece}\r\n`), 'the piece has come');
    }
  });

  it('is held back where nobody reads', async () => {
    let produced = 0;
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': 200 });
      const push = (): void => {
        while (produced < 64_000_000) {
          produced += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) return void stream.once('drain', push);
        }
      };
      push();
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    const socket = connect(rig.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    rig.onClose(async () => void socket.destroy());
    socket.pause();
    let before = -1;
    await until(async () => {
      const isSame = produced === before && produced > 0;
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isSame;
    }, 'the target is held back');
    expect(produced).toBeLessThan(32_000_000);
  });
});

describe('a client that leaves', () => {
  it('resets the stream at the target, and its body is not whole', async () => {
    const seen: FrameClient[] = [];
    const address = await frameTarget(rig, (peer) => seen.push(peer));
    await rig.serveBoth({ web: h2cEntry([address]) });
    const client = await rig.frames();
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
    client.send(TYPES.data, 0, 1, Buffer.from('half'));
    const isUnderWay = () => seen[0]?.frames.some(({ type }) => type === TYPES.data) === true;
    await until(isUnderWay, 'it is under way');
    const rest = frame(TYPES.data, 0, 1, Buffer.from('more'));
    client.write(Buffer.concat([rest, frame(TYPES.reset, 0, 1, uint32(CODES.cancel))]));
    await until(() => seen[0]?.resetOf(1) !== null, 'the target knows');
    expect(seen[0]?.resetOf(1)).toBe(CODES.cancel);
    expect(
      seen[0]?.frames.filter(({ type, flags }) => type === TYPES.data && flags === FLAGS.endStream),
    ).toEqual([]);
    await until(
      async () => (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight === 0,
      'it is counted',
    );
  });
});

describe('connections', () => {
  it('are shared, and no more streams are open than the target takes', async () => {
    let [open, most] = [0, 0];
    const target = await h2cTarget(
      rig,
      (stream) => {
        open += 1;
        most = Math.max(most, open);
        stream.respond({ ':status': 200 });
        setTimeout(() => {
          open -= 1;
          stream.end('a');
        }, 50);
      },
      4,
    );
    await rig.serve({ web: h2cEntry([target.address]) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(rig.port)));
    expect(answers.map(({ body }) => body).join('')).toBe('a'.repeat(10));
    expect(target.opened()).toBe(3);
    expect((await ask(rig.port)).status).toBe(200);
    expect(target.opened()).toBe(3);
  });

  it('that the target takes leave of are followed by others, and nothing is lost', async () => {
    let count = 0;
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': 200 });
      setTimeout(() => stream.end('a'), 5);
      count += 1;
      if (count % 20 === 0) for (const session of target.sessions) session.close();
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    let failed = 0;
    const work = Array.from({ length: 8 }, async () => {
      for (let time = 0; time < 30; time += 1) if ((await ask(rig.port)).status !== 200) failed += 1;
    });
    await Promise.all(work);
    expect(failed).toBe(0);
    expect(target.opened()).toBeGreaterThan(3);
  });

  it('a stream that the target has not begun is asked again, also when its method is not safe', async () => {
    let count = 0;
    const address = await frameTarget(rig, (peer) => {
      peer.onFrame(({ type, stream }) => {
        if (type !== TYPES.headers) return;
        count += 1;
        if (count === 1) peer.send(TYPES.reset, 0, stream, uint32(CODES.refused));
        else peer.send(TYPES.headers, FLAGS.endHeaders | FLAGS.endStream, stream, Buffer.from([0x88]));
      });
    });
    await rig.serve({ web: h2cEntry([address]) });
    expect((await ask(rig.port, { method: 'DELETE' })).status).toBe(200);
    expect(count).toBe(2);
  });

  it('a request that the target may have begun is asked again only when its method is safe', async () => {
    let count = 0;
    const address = await frameTarget(rig, (peer) => {
      peer.onFrame(({ type, stream }) => {
        if (type !== TYPES.headers) return;
        count += 1;
        peer.send(TYPES.reset, 0, stream, uint32(CODES.internal));
      });
    });
    await rig.serve({ web: h2cEntry([address]) });
    expect((await ask(rig.port, { method: 'DELETE' })).status).toBe(502);
    expect(count).toBe(1);
  });

  it('a silent one is asked by PING before it carries a request, and one that does not answer carries none', async () => {
    const peers: FrameClient[] = [];
    const address = await frameTarget(rig, (peer) => {
      const isFirst = peers.push(peer) === 1;
      peer.onFrame(({ type, flags, stream, payload }) => {
        if (type === TYPES.headers)
          peer.send(TYPES.headers, FLAGS.endHeaders | FLAGS.endStream, stream, Buffer.from([0x88]));
        if (type === TYPES.ping && flags === 0 && !isFirst) peer.send(TYPES.ping, FLAGS.ack, 0, payload);
      });
    });
    await rig.serve({ web: h2cEntry([address]) });
    expect((await ask(rig.port)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await ask(rig.port, { method: 'POST', body: 'a' })).status).toBe(200);
    const streams = peers.map(({ frames }) => frames.filter(({ type }) => type === TYPES.headers).length);
    expect(streams).toEqual([1, 1]);
    expect(peers[0]?.frames.filter(({ type }) => type === TYPES.ping)).toHaveLength(1);
  });

  it('end with their last stream when the target has left the table', async () => {
    const held: ServerHttp2Stream[] = [];
    const target = await h2cTarget(rig, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('a');
      held.push(stream);
    });
    await rig.serve({ web: h2cEntry([target.address]) });
    const answer = ask(rig.port);
    await until(() => held.length === 1, 'it is in hand');
    const other = await rig.named('other');
    await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([other], { split: { 1: 100 } }) } });
    expect((await ask(rig.port)).body).toBe('other');
    expect(target.sessions.size).toBe(1);
    held[0]?.end('b');
    expect((await answer).body).toBe('ab');
    await until(() => target.sessions.size === 0, 'it has ended');
  });

  it.each([
    ['nonsense', 'nonsense that is no frame of any kind'],
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'],
  ])('a target that speaks %s is told from one that is away', async (_name, text) => {
    const address = await rawTarget(rig, (_text, write, end) => {
      write(text);
      setTimeout(end, 20);
    });
    await rig.serve({ web: h2cEntry([address]) });
    expect((await ask(rig.port)).body).toMatch(/^502 .*target-failed/);
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['invalid-response']).toBe(1);
  });

  it('a target that says nothing at all is away', async () => {
    const address = await rawTarget(rig, () => undefined);
    await rig.serve({ web: h2cEntry([address], { proxy: { park: { timeout: '100ms' } } }) });
    expect((await ask(rig.port)).body).toMatch(/target-unreachable/);
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['connect-timeout']).toBeGreaterThan(
      0,
    );
  });

  it('a target that takes no connection is away', async () => {
    await rig.serve({ web: h2cEntry(['127.0.0.1:1'], { proxy: { park: { timeout: '200ms' } } }) });
    const answer = await ask(rig.port);
    expect(answer.body).toMatch(/target-unreachable/);
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['connect-refused']).toBeGreaterThan(
      0,
    );
  });
});
