// Requests of HTTP/2 that are malformed, or that no request of HTTP/1.1 could be: none of them reaches a target, and the
// connection goes on. A body that is cut short never looks whole to a target.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { block, CODES, FLAGS, TYPES, uint32 } from '../frame-client.ts';
import { type FrameStage, head, openStage, statusOf } from '../frame-stage.ts';
import { until } from '../rig.ts';

let stage: FrameStage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.rig.close());

const WHOLE = FLAGS.endHeaders | FLAGS.endStream;

describe('is malformed, and refused alone:', () => {
  it.each([
    ['connection', head({}, [['connection', 'keep-alive']])],
    ['transfer-encoding', head({}, [['transfer-encoding', 'chunked']])],
    ['keep-alive', head({}, [['keep-alive', '5']])],
    ['proxy-connection', head({}, [['proxy-connection', 'close']])],
    ['upgrade', head({}, [['upgrade', 'websocket']])],
    ['te with anything but trailers', head({}, [['te', 'gzip']])],
    ['a name in upper case', head({}, [['X-Upper', 'a']])],
    ['extended CONNECT, which is not offered', head({ method: 'CONNECT' }, [[':protocol', 'websocket']])],
    [
      'a pseudo-field behind others',
      head({ scheme: null }, [
        ['a', 'b'],
        [':scheme', 'https'],
      ]),
    ],
    ['a pseudo-field twice', head({}, [[':path', '/b']])],
    ['a status', head({}, [[':status', '200']])],
    ['no path', head({ path: null })],
    ['an empty path', head({ path: '' })],
    ['a path that is none', head({ path: 'a' })],
    ['a path with a line end', head({ path: '/\r\nX: y' })],
    ['no method', head({ method: null })],
    ['a method with a blank', head({ method: 'GET /x' })],
    ['no host at all', head({ authority: null })],
    [
      'two of Host',
      head({}, [
        ['host', 'shop.test'],
        ['host', 'other.test'],
      ]),
    ],
    ['an authority with a user', head({ authority: 'me@shop.test' })],
    ['a length that is no number', head({}, [['content-length', '1x']])],
    [
      'a length twice',
      head({}, [
        ['content-length', '0'],
        ['content-length', '0'],
      ]),
    ],
    ['a length without a body', head({}, [['content-length', '5']])],
  ])('%s', async (_name, fields) => {
    const { client, asked } = stage;
    client.send(TYPES.headers, WHOLE, 1, fields);
    await until(() => client.resetOf(1) !== null || client.goaway() !== null, 'it is refused');
    expect(client.resetOf(1)).toBe(CODES.protocol);
    client.send(TYPES.headers, WHOLE, 3, head());
    expect(await statusOf(client, 3)).toBe(200);
    expect(asked).toHaveLength(1);
  });
});

describe('is answered', () => {
  it.each([
    [400, 'a Host that is not the authority', head({}, [['host', 'other.test']])],
    [400, 'a method that is none of HTTP', head({ method: 'FETCH' })],
    [
      400,
      'CONNECT',
      block([
        [':method', 'CONNECT'],
        [':authority', 'shop.test:443'],
      ]),
    ],
    [400, 'another scheme', head({ scheme: 'ftp' })],
    [200, 'the same Host beside the authority', head({}, [['host', 'SHOP.test']])],
    [200, 'a Host alone', head({ authority: null }, [['host', 'shop.test']])],
  ])('with %i: %s', async (status, _name, fields) => {
    const { client, asked } = stage;
    client.send(TYPES.headers, WHOLE, 1, fields);
    expect(await statusOf(client, 1)).toBe(status);
    expect(asked).toHaveLength(status === 200 ? 1 : 0);
  });
});

it.each([
  ['a value with a NUL', [['x-a', 'a\0b']]],
  ['a value with a line end', [['x-a', 'a\r\nx-b: c']]],
  ['a name with a blank', [['x a', 'b']]],
] as const)('%s does not reach the target', async (_name, fields) => {
  const { client, target } = stage;
  const names: string[] = [];
  target.server.on('request', ({ rawHeaders }) => names.push(...rawHeaders));
  client.send(TYPES.headers, WHOLE, 1, head({}, fields));
  await until(() => client.resetOf(1) !== null || names.length > 0, 'it is refused or told');
  expect(names.filter((name) => /^x.[ab]$/.test(name))).toEqual([]);
});

describe('a body', () => {
  it.each(['10', '3'])('of five bytes that says %s is not whole', async (length) => {
    const { client, asked } = stage;
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }, [['content-length', length]]));
    client.send(TYPES.data, FLAGS.endStream, 1, Buffer.from('other'));
    await until(() => client.resetOf(1) !== null || client.goaway() !== null, 'it is refused');
    await until(() => asked.every(({ end }) => end !== 'open'), 'the target knows');
    expect(asked.filter(({ end }) => end === 'whole')).toEqual([]);
  });

  it.each([CODES.none, CODES.cancel, CODES.internal])(
    'that ends by a reset with code %i is not whole',
    async (code) => {
      const { client, asked } = stage;
      client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
      client.send(TYPES.data, 0, 1, Buffer.from('half'));
      await until(() => asked[0]?.body === 'half', 'it is under way');
      client.send(TYPES.reset, 0, 1, uint32(code));
      await until(() => asked[0]?.end !== 'open', 'the target knows');
      expect(asked[0]?.end).toBe('cut');
    },
  );

  it('that ends with the connection is not whole', async () => {
    const { client, asked, rig } = stage;
    client.send(TYPES.headers, FLAGS.endHeaders, 1, head({ method: 'POST' }));
    client.send(TYPES.data, 0, 1, Buffer.from('half'));
    await until(() => asked[0]?.body === 'half', 'it is under way');
    client.end();
    await until(() => asked[0]?.end !== 'open', 'the target knows');
    expect(asked[0]?.end).toBe('cut');
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the connection has gone');
  });
});
