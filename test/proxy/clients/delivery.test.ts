import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endWatched } from '../../../proxy/clients/delivery.ts';
import { rawEntry, rawTarget } from '../raw-target.ts';
import { entryOf, Rig, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** More than all the sockets on the way hold. */
const LARGE = Buffer.alloc(64 * 1024 * 1024);

async function asked(port: number, head: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.pause();
  socket.write(head);
  await once(socket, 'connect');
  return socket;
}

describe('a client that stops reading', () => {
  it('in mid-body is cut off after the idle timeout, and the target is not blamed', async () => {
    const target = await rig.target((_incoming, response) => response.end(LARGE));
    const port = await rig.serve({ web: entryOf([target], { proxy: { idle_timeout: '200ms' } }) });
    const client = await asked(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => target.sockets.size === 1, 'the target is asked');
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'it is cut off');
    const revision = (await rig.proxy?.stats())?.services.web?.revisions[0];
    expect(revision).toMatchObject({ inFlight: 0, errors: { 'idle-timeout': 0, truncated: 0 } });
    client.destroy();
  });

  it('after the last byte was written is cut off as well', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'Content-Length': LARGE.length });
      response.write(LARGE);
      endWatched(response, 100);
    });
    const client = await asked(Number(target.address.split(':')[1]), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => target.sockets.size === 1, 'it is connected');
    await until(() => target.sockets.size === 0, 'it is cut off');
    client.destroy();
  });

  it('for less than that gets it all, and may ask again on the same connection', async () => {
    const target = await rig.target((incoming, response) =>
      response.end(incoming.url === '/' ? LARGE : 'more'),
    );
    const port = await rig.serve({ web: entryOf([target], { proxy: { idle_timeout: '2s' } }) });
    const client = await asked(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    let [size, last] = [0, ''];
    client.on('data', (bytes: Buffer) => {
      size += bytes.length;
      last = bytes.toString('latin1');
    });
    client.resume();
    await until(() => size > LARGE.length, 'all of it has come');
    client.write('GET /more HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(client, 'close');
    expect(last).toMatch(/more$/);
  });
});

describe('a body that was cut short', () => {
  it.each([
    ['HTTP/1.0', 'ECONNRESET'],
    ['HTTP/1.1', 'no error: the last chunk is missing'],
  ])('to %s shows as: %s', async (version, expected) => {
    const target = await rig.target((incoming, response) => {
      response.write('half', () => setTimeout(() => incoming.socket.destroy(), 50));
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const socket = connect(port, '127.0.0.1');
    let [received, error] = ['', 'no error: the last chunk is missing'];
    socket.on('data', (bytes) => {
      received += bytes;
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      error = code ?? 'unknown';
    });
    socket.write(`GET / ${version}\r\nHost: a\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).toMatch(/half/);
    expect(received).not.toMatch(/0\r\n\r\n$/);
    expect(error).toBe(expected);
  });
});

describe('an answer that cannot be sent on', () => {
  it('is 502, and leaves nothing in flight', async () => {
    const address = await rawTarget(rig, (text, write) => {
      if (text.includes('\r\n\r\n')) write('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok');
    });
    const port = await rig.serve({ web: rawEntry(address) });
    const client = await asked(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let received = '';
    client.on('data', (bytes) => {
      received += bytes;
    });
    client.resume();
    await once(client, 'close');
    expect(received).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight).toBe(0);
    await rig.proxy?.sink.apply({ version: 2, services: {} });
    expect(rig.proxy?.sink.acknowledgement().busy).toEqual({});
    expect(rig.problems).toEqual([]);
  });
});
