// What takes its time over HTTP/2: clients that do not read or do not send, requests that are parked, event streams, and
// what is said before a body.
import type { ClientHttp2Stream } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLAGS, frame, TYPES } from '../frame-client.ts';
import { head } from '../frame-stage.ts';
import { askStream, HOST, Http2Rig } from '../http2-rig.ts';
import { entryOf, readText, until } from '../rig.ts';

let rig: Http2Rig;
beforeEach(async () => {
  rig = new Http2Rig();
  await rig.issue();
});
afterEach(() => rig.close());

const IMPATIENT = { proxy: { idle_timeout: '400ms' } };
const inFlight = async () => (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight;

function closed(stream: ClientHttp2Stream): Promise<number> {
  stream.on('error', () => undefined);
  return new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode)));
}

describe('a client that', () => {
  it('does not read is cut off, and others of its connection are not', async () => {
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/small') response.end('small');
      else response.end(Buffer.alloc(8_000_000));
    });
    await rig.serveBoth({ web: entryOf([target], IMPATIENT) });
    const session = await rig.session();
    const stream = session.request({ ':authority': HOST, ':path': '/' });
    const end = closed(stream);
    await until(async () => (await inFlight()) === 1, 'it is in hand');
    await until(async () => {
      expect(await askStream(session, { ':path': '/small' })).toMatchObject({ body: 'small', code: 0 });
      return (await inFlight()) === 0;
    }, 'it is given up');
    stream.resume();
    expect(await end).not.toBe(0);
  });

  it('reads slowly gets all of it', async () => {
    const target = await rig.target((_incoming, response) => response.end(Buffer.alloc(1_000_000)));
    await rig.serveBoth({ web: entryOf([target], IMPATIENT) });
    const stream = (await rig.session()).request({ ':authority': HOST });
    const end = closed(stream);
    let size = 0;
    for await (const piece of stream) {
      size += (piece as Buffer).length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect([size, await end]).toEqual([1_000_000, 0]);
  });

  it('does not send its body is told so', async () => {
    const target = await rig.target(
      (incoming, response) => void incoming.resume().on('end', () => response.end()),
    );
    await rig.serveBoth({ web: entryOf([target], IMPATIENT) });
    const stream = (await rig.session()).request({ ':authority': HOST, ':method': 'POST', ':path': '/' });
    stream.write('first');
    const status = new Promise((resolve) => stream.once('response', (head) => resolve(head[':status'])));
    expect(await status).toBe(408);
    stream.close();
  });
});

it('a body that nobody wants is dropped, and its connection goes when the client does', async () => {
  await rig.serveBoth({ web: entryOf([await rig.named('a')], { proxy: { max_body: 1_000 } }) });
  const client = await rig.frames();
  const piece = Buffer.alloc(10_000);
  client.write(
    Buffer.concat([
      frame(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' })),
      ...[0, 0, 0, FLAGS.endStream].map((flags) => frame(TYPES.data, flags, 1, piece)),
    ]),
  );
  await until(() => client.frames.some(({ type }) => type === TYPES.data), 'it is answered');
  expect(String(client.frames.find(({ type }) => type === TYPES.data)?.payload)).toMatch(/^413 /);
  client.send(TYPES.goaway, 0, 0, Buffer.alloc(8));
  client.end();
  await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the connection has gone');
});

it('answers that come before their body was read are no nuisance', async () => {
  await rig.serveBoth({ web: entryOf([await rig.named('a')], { proxy: { max_body: 1_000 } }) });
  const session = await rig.session();
  for (let time = 0; time < 60; time += 1) {
    const asked = Array.from({ length: 10 }, () =>
      askStream(session, { ':method': 'POST' }, 'x'.repeat(20_000)),
    );
    for (const { status } of await Promise.all(asked)) expect(status).toBe(413);
  }
});

it('requests wait while a replica is coming, and count as waiting', async () => {
  const entry = entryOf([], { split: {}, coming: true });
  await rig.serveBoth({ web: entry });
  const session = await rig.session();
  const answers = Promise.all([1, 2, 3].map(() => askStream(session, { ':method': 'POST' }, 'body')));
  await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 3, 'they wait');
  const target = await rig.target((incoming, response) => void incoming.pipe(response));
  await rig.proxy?.sink.apply({ version: 2, services: { web: entryOf([target]) } });
  for (const answer of await answers) expect(answer).toMatchObject({ status: 200, body: 'body' });
});

it('a preview is reached by its header, and answers carry HSTS', async () => {
  const [a, b] = [await rig.named('a'), await rig.named('b')];
  const targets = [a, b].map(({ address }, index) => ({ revision: index + 1, address }));
  const preview = { revision: 2, header: { name: 'X-Preview', value: 'yes' } };
  const secure = { redirectPort: null, hstsSeconds: 300 };
  await rig.serveBoth({ web: entryOf([], { targets, preview }) }, { secure });
  const session = await rig.session();
  expect((await askStream(session, { 'x-preview': 'yes' })).body).toBe('b');
  const { body, headers } = await askStream(session);
  expect([body, headers['strict-transport-security']]).toEqual(['a', 'max-age=300']);
});

it('the target decides whether a body is to come', async () => {
  const target = await rig.target(() => undefined);
  target.server.on('checkContinue', (incoming, response) => {
    response.writeContinue();
    readText(incoming).then(
      (text) => response.end(text),
      () => response.destroy(),
    );
  });
  await rig.serveBoth({ web: entryOf([target]) });
  const fields = { ':authority': HOST, ':method': 'POST', ':path': '/', expect: '100-continue' };
  const stream = (await rig.session()).request(fields, { endStream: false });
  await new Promise<void>((resolve) => stream.once('continue', resolve));
  stream.end('body');
  expect(await readText(stream)).toBe('body');
});

it('event streams end whole when the proxy retires', async () => {
  const target = await rig.target((_incoming, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  await rig.serveBoth({ web: entryOf([target]) });
  const stream = (await rig.session()).request({ ':authority': HOST });
  const end = closed(stream);
  let text = '';
  stream.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await until(() => text !== '', 'it flows');
  await rig.proxy?.retire(200);
  expect([await end, text]).toEqual([0, 'data: 1\n\n']);
});

it('a target that closes an idle connection is asked again', async () => {
  const target = await rig.named('a');
  target.server.keepAliveTimeout = 1;
  await rig.serveBoth({ web: entryOf([target]) });
  const session = await rig.session();
  for (let time = 0; time < 20; time += 1) {
    expect((await askStream(session)).body).toBe('a');
    for (const socket of target.sockets) socket.destroy();
  }
});
