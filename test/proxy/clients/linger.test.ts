import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { entryOf, Rig } from '../rig.ts';

const rig = new Rig();
// No time passes: what a timer would end does not end.
beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout'] }));
afterEach(async () => {
  vi.useRealTimers();
  await rig.close();
});

it('a refused client that has ended its side in a broken body gets its answer, and is not lingered for', async () => {
  const port = await rig.serve({ web: entryOf([]) });
  const received = await new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.once('end', () => {
      socket.destroy();
      resolve(text);
    });
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\nnothing\r\n');
  });
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
});
