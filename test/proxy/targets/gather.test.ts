import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { gatherWrites } from '../../../proxy/targets/gather.ts';
import { readText } from '../rig.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A socket that gathers, how often it wrote, and all that comes out at the other end. */
async function gathering(): Promise<{ socket: Socket; wrote: string[]; received: Promise<string> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  const [[other]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
  closers.push(() => {
    socket.destroy();
    server.close();
  });
  const wrote: string[] = [];
  const [write, writev] = [socket._write.bind(socket), socket._writev?.bind(socket)];
  socket._write = (chunk, encoding, done) => {
    wrote.push(`one ${chunk.length}`);
    write(chunk, encoding, done);
  };
  socket._writev = (pieces, done) => {
    wrote.push(`apart ${pieces.length}`);
    writev?.(pieces, done);
  };
  gatherWrites(socket);
  return { socket, wrote, received: readText((other as Socket).setEncoding('latin1')) };
}

function together(socket: Socket, pieces: readonly [string | Buffer, BufferEncoding][]): void {
  socket.cork();
  for (const [piece, encoding] of pieces) socket.write(piece, encoding);
  socket.uncork();
  socket.end();
}

describe('pieces that are written together', () => {
  it('go out in one write, byte for byte, when they are small', async () => {
    const { socket, wrote, received } = await gathering();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, code) => code));
    together(socket, [
      ['h\xe4d\r\n', 'latin1'],
      [bytes, 'latin1'],
      ['', 'latin1'],
      [Buffer.from('z'), 'utf8'],
    ]);
    expect(await received).toBe(`h\xe4d\r\n${bytes.toString('latin1')}z`);
    expect(wrote).toEqual(['one 262']);
  });

  it.each<[string, [string | Buffer, BufferEncoding][], string]>([
    [
      'they are large',
      [
        ['a', 'latin1'],
        [Buffer.alloc(16_384, 'b'), 'latin1'],
      ],
      `a${'b'.repeat(16_384)}`,
    ],
    [
      'one is text in another encoding',
      [
        ['a', 'latin1'],
        ['\xe4', 'utf8'],
      ],
      'a\xc3\xa4',
    ],
  ])('go out side by side when %s', async (_name, pieces, expected) => {
    const { socket, wrote, received } = await gathering();
    together(socket, pieces);
    expect(await received).toBe(expected);
    expect(wrote).toEqual(['apart 2']);
  });

  it('are said to be written, and held back while the other side does not read', async () => {
    const { socket, received } = await gathering();
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.cork();
    socket.write('a', 'latin1');
    socket.write('b', 'latin1', () => resolve());
    socket.uncork();
    await promise;
    expect(socket.writableLength).toBe(0);
    socket.end();
    expect(await received).toBe('ab');
  });
});
