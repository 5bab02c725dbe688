import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { rawEntry } from '../raw-target.ts';
import { ask, Rig, readText, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

interface Side {
  readonly socket: Socket;
  received: string;
}

/** A target of sockets: what each was sent, in the order in which they came. */
async function listen(
  onText: (side: Side, count: number) => void,
): Promise<{ address: string; sides: Side[] }> {
  const sides: Side[] = [];
  const server = createServer((socket) => {
    const side = { socket, received: '' };
    const count = sides.push(side);
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text) => {
      side.received += text;
      onText(side, count);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(async () => {
    for (const { socket } of sides) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, sides };
}

const answer = (more = ''): string => `HTTP/1.1 200 OK\r\n${more}Content-Length: 2\r\n\r\nok`;
const HOST = 'Host: a\r\n';

/** What reaches the target of these bytes of a client, without what we say of the client. */
async function sent(text: string): Promise<string> {
  const { address, sides } = await listen(({ socket, received }) => {
    if (/\r\n\r\n$|abc$/.test(received)) socket.write(answer());
  });
  await talk(await rig.serve({ web: rawEntry(address) }), text);
  return (sides[0]?.received ?? '').replace(/(?:X-|Forwarded:)[^\r]+\r\n/g, '');
}

describe('a request as it goes out', () => {
  it('says that the connection is to stay', async () => {
    expect(await sent(`GET /a?b HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)).toBe(
      `GET /a?b HTTP/1.1\r\n${HOST}Connection: keep-alive\r\n\r\n`,
    );
  });

  it('is counted when the client counts it', async () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Connection: close\r\n`;
    expect(await sent(`${head}Content-Length: 3\r\n\r\nabc`)).toBe(
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nConnection: keep-alive\r\n\r\nabc`,
    );
  });

  it('is chunked when the client chunks it, and has its trailers', async () => {
    const head = `POST / HTTP/1.1\r\n${HOST}Connection: close\r\n`;
    const text = await sent(`${head}Transfer-Encoding: chunked\r\n\r\n003;x\r\nabc\r\n0\r\nSum: 1\r\n\r\n`);
    expect(text).toBe(
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n`,
    );
  });
});

/** How many connections two requests take, one after the other. */
async function connectionsOfTwo(first: (side: Side) => void, pauseMs = 60): Promise<number> {
  const { address, sides } = await listen((side, count) => {
    if (count === 1 && side.received.split('GET').length === 2) first(side);
    else side.socket.write(answer());
  });
  const port = await rig.serve({ web: rawEntry(address, { proxy: { retries: 0 } }) });
  expect((await ask(port)).status).toBeLessThan(300);
  await sleep(pauseMs);
  expect(await ask(port)).toMatchObject({ status: 200, body: 'ok' });
  return sides.length;
}

describe('a connection to a target is used again', () => {
  it('when nothing speaks against it', async () => {
    expect(await connectionsOfTwo(({ socket }) => socket.write(answer()))).toBe(1);
  });

  it.each<[string, string]>([
    ['the answer closes it', answer('Connection: close\r\n')],
    ['it is HTTP/1.0', answer().replace('1.1', '1.0')],
    ['the target keeps it for a moment only', answer('Keep-Alive: timeout=1\r\n')],
    ['more came with the answer', `${answer()}x`],
    ['204 announced a body', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n'],
  ])('not when %s', async (_name, text) => {
    expect(await connectionsOfTwo(({ socket }) => socket.write(text))).toBe(2);
  });

  it('not when more came behind the answer', async () => {
    const first = ({ socket }: Side): void => {
      socket.write(answer());
      setTimeout(() => socket.write('x'), 20);
    };
    expect(await connectionsOfTwo(first)).toBe(2);
  });

  it('not when the target has ended it', async () => {
    expect(await connectionsOfTwo(({ socket }) => socket.end(answer()))).toBe(2);
  });

  it('not when the target has reset it', async () => {
    const first = ({ socket }: Side): void => {
      socket.write(answer(), () => setTimeout(() => socket.resetAndDestroy(), 20));
    };
    expect(await connectionsOfTwo(first)).toBe(2);
  });

  it('not when the request was answered before it was sent', async () => {
    const { address, sides } = await listen(({ socket }) => socket.write(answer()));
    const port = await rig.serve({ web: rawEntry(address) });
    const head = `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n`;
    expect(await talk(port, `${head}abc`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*ok$/);
    await until(() => sides[0]?.socket.destroyed === true, 'the target’s connection is closed');
    expect((await ask(port)).body).toBe('ok');
    expect(sides.length).toBe(2);
  });

  it('after an answer that the client took its time for', async () => {
    const large = 'x'.repeat(8 * 1024 * 1024);
    const { address, sides } = await listen(({ socket, received }) => {
      const isFirst = received.split('GET').length === 2;
      socket.write(isFirst ? `HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}` : answer());
    });
    const port = await rig.serve({ web: rawEntry(address) });
    const client = connect(port, '127.0.0.1', () =>
      client.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`),
    );
    client.pause();
    await sleep(150);
    expect((await readText(client)).length).toBeGreaterThan(large.length);
    expect((await ask(port)).body).toBe('ok');
    expect(sides.length).toBe(1);
  });
});

it('a target that has a name is reached at the address where it listens', async () => {
  const { address } = await listen(({ socket }) => socket.write(answer()));
  const port = await rig.serve({ web: rawEntry(address.replace('127.0.0.1', 'localhost')) });
  for (let count = 0; count < 3; count += 1)
    expect(await ask(port)).toMatchObject({ status: 200, body: 'ok' });
});

describe('an answer that ends with the connection', () => {
  it.each([2, 3 * 1024 * 1024])('is whole, with %i bytes, however slowly the client reads', async (size) => {
    const { address } = await listen(({ socket }) =>
      socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(size)}`),
    );
    const port = await rig.serve({ web: rawEntry(address) });
    const client = connect(port, '127.0.0.1', () =>
      client.write(`GET / HTTP/1.0\r\n${HOST}Connection: close\r\n\r\n`),
    );
    client.pause();
    await sleep(100);
    const text = await readText(client);
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(size);
    const stats = await rig.proxy?.stats();
    expect(stats?.services.web?.revisions[0]?.errors.truncated).toBe(0);
  });
});

describe('a target that breaks the connection behind its answer', () => {
  it('takes nothing of it back, however slowly the client reads', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const { address } = await listen(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}`, () =>
        socket.destroy(),
      );
    });
    const port = await rig.serve({ web: rawEntry(address) });
    const client = connect(port, '127.0.0.1', () =>
      client.write(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`),
    );
    client.pause();
    await sleep(200);
    const text = await readText(client);
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(large.length);
  });
});
