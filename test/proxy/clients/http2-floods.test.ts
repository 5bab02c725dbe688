// What a client can do to a connection of HTTP/2 beside asking: floods of frames that cost it little end the connection, one
// that never asks is closed, and the proxy's own end is told.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { block, CODES, FLAGS, type FrameClient, frame, TYPES, uint32 } from '../frame-client.ts';
import { type Asked, head, openStage, statusOf } from '../frame-stage.ts';
import { askStream, Http2Rig } from '../http2-rig.ts';
import { entryOf, until } from '../rig.ts';

let rig: Http2Rig;
let client: FrameClient;
let asked: readonly Asked[];
beforeEach(async () => {
  ({ rig, client, asked } = await openStage());
});
afterEach(() => rig.close());

const WHOLE = FLAGS.endHeaders | FLAGS.endStream;

/** Sends these again and again until the connection ends. */
async function flood(frames: () => Buffer, most: number): Promise<number> {
  let sent = 0;
  while (sent < most && !client.isClosed() && client.goaway() === null) {
    client.write(frames());
    sent += 1;
    if (sent % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await until(() => client.isClosed(), 'the connection has ended');
  return sent;
}

describe('a flood of', () => {
  it('requests that are reset at once ends the connection, and few of them reach the target', async () => {
    let stream = -1;
    await flood(() => {
      stream += 2;
      return Buffer.concat([
        frame(TYPES.headers, WHOLE, stream, head()),
        frame(TYPES.reset, 0, stream, uint32(CODES.cancel)),
      ]);
    }, 5_000);
    expect(client.goaway()?.code).toBe(CODES.calm);
    expect(asked.length).toBeLessThan(700);
  });

  it('requests that are reset once they are begun', async () => {
    let stream = -1;
    await flood(() => {
      stream += 2;
      const before =
        stream - 100 > 0 ? frame(TYPES.reset, 0, stream - 100, uint32(CODES.cancel)) : Buffer.alloc(0);
      return Buffer.concat([
        before,
        frame(TYPES.headers, FLAGS.endHeaders, stream, head({ method: 'POST' })),
      ]);
    }, 5_000);
    expect(client.goaway()?.code).toBe(CODES.calm);
  });

  it('streams that make the proxy reset them', async () => {
    let stream = -1;
    await flood(() => {
      stream += 2;
      return Buffer.concat([
        frame(TYPES.headers, FLAGS.endHeaders, stream, head({ method: 'POST' }, [['content-length', '1']])),
        frame(TYPES.data, FLAGS.endStream, stream, Buffer.from('longer')),
      ]);
    }, 5_000);
    expect(client.goaway()?.code).toBeGreaterThan(0);
    expect(asked.length).toBeLessThan(500);
  });

  it('pings', async () => {
    const pings = Buffer.concat(Array.from({ length: 100 }, () => frame(TYPES.ping, 0, 0, Buffer.alloc(8))));
    expect(await flood(() => pings, 2_000)).toBeLessThan(2_000);
  });

  it('settings', async () => {
    await flood(() => frame(TYPES.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])), 5_000);
    expect(client.goaway()?.code).toBe(CODES.calm);
  });

  it('CONTINUATION', async () => {
    client.send(TYPES.headers, 0, 1, head());
    await flood(() => frame(TYPES.continuation, 0, 1, block([['x-more', 'x'.repeat(1_000)]])), 5_000);
    expect(asked).toEqual([]);
  });

  it('frames without content', async () => {
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
    await flood(() => frame(TYPES.data, 0, 1), 20_000);
  });

  it('streams that are not allowed any more', async () => {
    for (let stream = 1; stream <= 2 * 150; stream += 2)
      client.send(TYPES.headers, FLAGS.endHeaders, stream, head({ method: 'POST' }));
    await until(
      () => client.frames.some(({ type }) => type === TYPES.reset) || client.goaway() !== null,
      'refused',
    );
    await until(() => asked.length > 0, 'some are served');
    expect(asked.length).toBeLessThanOrEqual(100);
  });

  it('fields is refused alone', async () => {
    const fields = Array.from({ length: 33 }, (_, index) => [`x-${index}`, 'x'.repeat(1_000)] as const);
    const whole = head({}, fields);
    client.send(TYPES.headers, FLAGS.endStream, 1, whole.subarray(0, 16_000));
    client.send(TYPES.continuation, 0, 1, whole.subarray(16_000, 32_000));
    client.send(TYPES.continuation, FLAGS.endHeaders, 1, whole.subarray(32_000));
    await until(() => client.frames.some(({ type }) => type === TYPES.data), 'it is answered');
    expect(String(client.frames.find(({ type }) => type === TYPES.data)?.payload)).toMatch(/^431 /);
    client.send(TYPES.headers, WHOLE, 3, head());
    expect(await statusOf(client, 3)).toBe(200);
    expect(asked).toHaveLength(1);
  });
});

describe('the end of the proxy', () => {
  it('is told by GOAWAY, and what is in hand goes on to its end', async () => {
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
    await until(() => asked.length === 1, 'it is under way');
    const retired = rig.proxy?.retire(10_000);
    await until(() => client.goaway() !== null, 'it is told');
    expect(client.goaway()).toEqual({ last: 1, code: CODES.none });
    client.send(TYPES.headers, WHOLE, 3, head());
    client.send(TYPES.data, FLAGS.endStream, 1, Buffer.from('rest'));
    expect(await statusOf(client, 1)).toBe(200);
    await retired;
    expect(asked).toEqual([{ method: 'POST /', body: 'rest', end: 'whole' }]);
  });

  it('is told to one that comes late behind its first request', async () => {
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
    await until(() => asked.length === 1, 'one is under way');
    const stopped = rig.proxy?.stop(10_000);
    await until(() => client.goaway() !== null, 'it is told');
    const late = await rig.frames();
    late.send(TYPES.headers, WHOLE, 1, head());
    expect(await statusOf(late, 1)).toBe(200);
    await until(() => late.goaway() !== null, 'it is told as well');
    expect(late.goaway()).toEqual({ last: 1, code: CODES.none });
    client.send(TYPES.data, FLAGS.endStream, 1);
    await stopped;
  });
});

it('an idle connection is kept, and one that never asks is closed', async () => {
  await rig.close();
  rig = new Http2Rig();
  await rig.issue();
  await rig.serveBoth({ web: entryOf([await rig.named('a')]) }, { headersTimeoutMs: 500 });
  client = await rig.frames();
  const session = await rig.session();
  expect((await askStream(session)).status).toBe(200);
  await until(() => client.isClosed(), 'it is closed');
  expect(client.goaway()?.code).toBe(CODES.none);
  expect((await askStream(session)).status).toBe(200);
});
