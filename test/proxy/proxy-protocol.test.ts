// Behind a balancer that passes connections on and says whose they are: with and without TLS, in one process and in
// several, however its header is cut.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProxyOptions } from '../../proxy/server.ts';
import { issueForHosts } from '../support/certificates.ts';
import { composeBinary, composeText, SIGNATURE, wayOf } from './proxy-sender.ts';
import { entryOf, LOOPBACK, readText, type TestTarget, until } from './rig.ts';
import { SecureRig } from './secure-rig.ts';

const REQUEST = 'GET /a HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n';
const BEHIND: Partial<ProxyOptions> = { proxyProtocol: true, trusted: [LOOPBACK] };
const LOCAL = Buffer.concat([SIGNATURE, Buffer.from([0x20, 0, 0, 0])]);

let rig: SecureRig;
let asked: number;
let target: TestTarget;
beforeEach(async () => {
  rig = new SecureRig();
  asked = 0;
  target = await rig.target((incoming, response) => {
    asked += 1;
    const { 'x-forwarded-for': client, forwarded, 'x-real-ip': real } = incoming.headers;
    response.end(JSON.stringify({ client, forwarded, real }));
  });
});
afterEach(() => rig.close());

const serve = (options: Partial<ProxyOptions> = {}) =>
  rig.serve({ web: entryOf([target]) }, { ...BEHIND, ...options });
const refused = async () => (await rig.proxy?.stats())?.refused;

/** Each piece in a segment of its own. Resolves with what came back, once the connection has ended. */
async function send(port: number, pieces: readonly Buffer[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => socket.destroy());
  const received = readText(socket.setEncoding('latin1')).catch(() => '');
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return received;
}

const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
const cut = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));

describe.each([1, 2])('with %i worker(s)', (workers) => {
  it.each([
    ['1', composeText, '203.0.113.7', '203.0.113.7'],
    ['2', composeBinary, '203.0.113.7', '203.0.113.7'],
    ['1 over IPv6', composeText, '2001:db8::7', '"[2001:db8::7]"'],
    ['2 over IPv6', composeBinary, '2001:db8::7', '"[2001:db8::7]"'],
  ])(
    'the client of version %s is told to the target, however it comes',
    async (_, compose, address, node) => {
      const port = await serve({ workers });
      const header = compose(wayOf(address));
      const behind = Buffer.from(REQUEST);
      const seen = { client: address, real: address, forwarded: `for=${node};proto=http;host=shop.test` };
      for (const pieces of [
        [Buffer.concat([header, behind])],
        [header, behind],
        [
          header.subarray(0, 9),
          Buffer.concat([header.subarray(9), behind.subarray(0, 5)]),
          behind.subarray(5),
        ],
        [...cut(header), behind],
      ])
        expect(bodyOf(await send(port, pieces))).toEqual(seen);
    },
  );

  it('TLS begins behind it', async () => {
    await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test'] });
    await rig.serveBoth({ web: entryOf([target]) }, { ...BEHIND, workers });
    const header = composeBinary(wayOf('203.0.113.7'));
    for (const pieces of [[header], cut(header)]) {
      const raw = connect({ port: rig.securePort, host: '127.0.0.1', noDelay: true });
      await once(raw, 'connect');
      for (const piece of pieces) raw.write(piece);
      const socket = connectTls({ socket: raw, servername: 'shop.test', rejectUnauthorized: false });
      socket.write(REQUEST);
      expect(bodyOf(await readText(socket))).toMatchObject({
        client: '203.0.113.7',
        forwarded: 'for=203.0.113.7;proto=https;host=shop.test',
      });
    }
  });

  it('and in one segment with the first words of TLS', async () => {
    await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test'] });
    await rig.serveBoth({ web: entryOf([target]) }, { ...BEHIND, workers });
    const raw = connect({ port: rig.securePort, host: '127.0.0.1' });
    let before = composeText(wayOf('203.0.113.7'));
    const wire = new Duplex({
      read: () => undefined,
      write: (piece, _encoding, done) => {
        raw.write(Buffer.concat([before, piece]), () => done());
        before = Buffer.alloc(0);
      },
    });
    raw.on('data', (piece) => wire.push(piece)).on('end', () => wire.push(null));
    const socket = connectTls({ socket: wire, servername: 'shop.test', rejectUnauthorized: false });
    socket.write(REQUEST);
    expect(bodyOf(await readText(socket))).toMatchObject({ client: '203.0.113.7' });
  });

  it('each client has its own limit, and the balancer none', async () => {
    const port = await serve({ workers, maxConnectionsPerAddress: 2 });
    const open = async (address: string): Promise<Socket | null> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.write(composeText(wayOf(address)));
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const isServed = new Promise((resolve) => {
        socket.once('data', () => resolve(true));
        socket.once('close', () => resolve(false));
      });
      return (await isServed) ? socket : null;
    };
    const [first, second, third] = [await open('10.9.0.1'), await open('10.9.0.1'), await open('10.9.0.2')];
    expect([first, second, third]).not.toContain(null);
    expect(await open('10.9.0.1')).toBeNull();
    expect(await open('10.9.0.1')).toBeNull();
    expect(asked).toBe(3);
    expect((await refused())?.['address-limit']).toBe(2);
    first?.destroy();
    let again: Socket | null = null;
    await until(async () => {
      again = await open('10.9.0.1');
      return again !== null;
    }, 'there is room again');
    for (const socket of [second, third, again as Socket | null]) socket?.destroy();
  });

  it('nobody else is heard, whatever header comes', async () => {
    const port = await serve({ workers, trusted: [{ address: '10.0.0.0', prefix: 8 }] });
    expect(await send(port, [composeText(wayOf('203.0.113.7')), Buffer.from(REQUEST)])).toBe('');
    expect(await send(port, [Buffer.from(REQUEST)])).toBe('');
    expect(await refused()).toMatchObject({ 'proxy-untrusted': 2, 'proxy-malformed': 0 });
    expect(asked).toBe(0);
  });
});

describe('the address that the header names', () => {
  it.each([
    ['unknown in version 1', Buffer.from('PROXY UNKNOWN\r\n')],
    ['the balancer’s own in version 2', LOCAL],
  ])('is that of the connection, where it is %s', async (_name, header) => {
    const port = await serve();
    expect(bodyOf(await send(port, [header, Buffer.from(REQUEST)]))).toMatchObject({ client: '127.0.0.1' });
  });

  it('decides whose word is taken: the client’s is not, although the balancer is trusted', async () => {
    const trusted = [LOOPBACK, { address: '198.51.100.0', prefix: 24 }];
    const port = await serve({ trusted });
    const claim = Buffer.from(REQUEST.replace('\r\n\r\n', '\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n'));
    const from = (address: string) => send(port, [composeBinary(wayOf(address)), claim]);
    expect(bodyOf(await from('203.0.113.7'))).toMatchObject({ client: '203.0.113.7' });
    expect(bodyOf(await from('198.51.100.1'))).toMatchObject({ client: '6.6.6.6, 198.51.100.1' });
  });

  it('holds for every request of the connection', async () => {
    const port = await serve();
    const twice = REQUEST.replace('Connection: close\r\n', '') + REQUEST;
    const answer = await send(port, [Buffer.concat([composeText(wayOf('203.0.113.7')), Buffer.from(twice)])]);
    expect(answer.match(/"client":"203\.0\.113\.7"/g)).toHaveLength(2);
  });

  it('holds for what goes over to another protocol', async () => {
    target.server.on('upgrade', (incoming, socket) =>
      socket.end(
        `HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${incoming.headers['x-real-ip']}`,
      ),
    );
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    const port = await serve();
    const answer = send(port, [Buffer.concat([composeText(wayOf('203.0.113.7')), Buffer.from(upgrade)])]);
    expect(await answer).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n203\.0\.113\.7$/s);
  });
});

describe('a connection that does not begin with a header', () => {
  it.each([
    ['but with a request', Buffer.from(REQUEST)],
    ['but with TLS', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['but with half of one, and ends', composeBinary(wayOf('10.9.0.1')).subarray(0, 20)],
    ['but with one that is spoilt', Buffer.from(`PROXY TCP4 10.9.0.1 nobody 1 2\r\n${REQUEST}`)],
    ['that ends: 107 bytes are enough', Buffer.alloc(200, 'PROXY UNKNOWN ')],
  ])('%s, is closed without a word, and counted', async (_name, bytes) => {
    const port = await serve();
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => socket.destroy());
    socket.end(bytes);
    expect(await readText(socket).catch(() => '')).toBe('');
    await until(async () => (await refused())?.['proxy-malformed'] === 1, 'it is counted');
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'none is open');
    expect(asked).toBe(0);
  });

  it('nor with anything else is nobody’s fault: somebody has looked whether the port is open', async () => {
    const port = await serve();
    for (const way of ['end', 'resetAndDestroy'] as const) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => socket.destroy()).resume();
      await once(socket, 'connect');
      await until(async () => (await rig.proxy?.stats())?.connections === 1, 'it is there');
      socket[way]();
      await until(async () => (await rig.proxy?.stats())?.connections === 0, 'it is gone');
    }
    expect(Object.values((await refused()) ?? {})).toEqual([0, 0, 0, 0, 0]);
  });

  it('and is reset at once, as checks of balancers are, is nobody’s fault either', async () => {
    const port = await serve({ workers: 2 });
    for (let count = 0; count < 20; count += 1) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.resetAndDestroy();
    }
    await send(port, [composeText(wayOf('203.0.113.7')), Buffer.from(REQUEST)]);
    expect(Object.values((await refused()) ?? {})).toEqual([0, 0, 0, 0, 0]);
  });

  it('in time is closed, however slowly bytes come', async () => {
    const port = await serve();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => socket.destroy());
    const bytes = composeBinary(wayOf('10.9.0.1'), Buffer.alloc(4_000));
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(bytes.subarray(sent, sent + 1));
      sent += 1;
    }, 20);
    expect(await readText(socket).catch(() => '')).toBe('');
    clearInterval(timer);
    expect(sent).toBeGreaterThan(50);
    expect((await refused())?.['proxy-timeout']).toBe(1);
  });
});

it('without the flag a header is no request, and its peer no client of anybody', async () => {
  const port = await serve({ proxyProtocol: false });
  expect(await send(port, [composeText(wayOf('203.0.113.7')), Buffer.from(REQUEST)])).toMatch(
    /^HTTP\/1\.1 400 /,
  );
  expect(asked).toBe(0);
});

it('a kept connection of a balancer serves one request after the other', async () => {
  const port = await serve();
  const socket = connect(port, '127.0.0.1');
  socket.write(composeBinary(wayOf('203.0.113.7')));
  for (let count = 0; count < 3; count += 1) {
    const asking = request({
      createConnection: () => socket,
      headers: { host: 'a', connection: 'keep-alive' },
    });
    const [response] = await once(asking.end(), 'response');
    expect(await readText(response)).toContain('"client":"203.0.113.7"');
  }
  socket.destroy();
});

// The system may tell TLS nothing of a reset but an end, and of what is written from then on nothing at all.
it('of clients of TLS that are cut amid a head nothing is left', async () => {
  await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test'] });
  await rig.serveBoth({ web: entryOf([target]) }, BEHIND);
  for (let count = 0; count < 150; count += 1) {
    const socket = connect(rig.securePort, '127.0.0.1');
    socket.write(composeBinary(wayOf('203.0.113.7')));
    const client = connectTls({ socket, servername: 'shop.test', rejectUnauthorized: false });
    for (const each of [socket, client]) each.on('error', () => undefined);
    client.write('GET / HT');
    setTimeout(() => socket.resetAndDestroy(), count % 15);
    if (count % 4 === 0) await pause(4);
  }
  await until(async () => (await rig.proxy?.stats())?.connections === 0, 'all are gone');
});
