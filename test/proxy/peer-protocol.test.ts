// More of what http-proxy does with the same input: what HTTP says beside heads and bodies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findFreePorts } from '../support/names.ts';
import { exchange, startPeer, WAIT_MS } from './peer-rig.ts';
import { rawEntry, rawTarget } from './raw-target.ts';
import { entryOf, Rig, type TestTarget, until } from './rig.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const rig = new Rig();
afterEach(() => rig.close());

/** What comes back for the same text from ours and from the peer. */
async function both(target: TestTarget, text: string): Promise<{ ours: string; theirs: string }> {
  const port = await rig.serve({ web: entryOf([target]) });
  const ours = await exchange(port, text, WAIT_MS);
  const theirs = await exchange(await startPeer(rig, target.address), text, WAIT_MS);
  return { ours: ours.received, theirs: theirs.received };
}

describe('side by side with http-proxy', () => {
  it('trailers arrive; there they are announced and not sent', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
    const { ours, theirs } = await both(target, GET);
    expect(ours).toMatch(/\r\n0\r\nX-Sum: 42\r\n\r\n$/);
    expect(theirs).toMatch(/\r\nTrailer: X-Sum\r\n/i);
    expect(theirs).not.toContain('42');
  });

  it('what a client says of its own address is replaced; there it is believed', async () => {
    const seen: IncomingMessage['headers'][] = [];
    const target = await rig.target((incoming, response) => {
      seen.push(incoming.headers);
      response.end();
    });
    const claims = 'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 1.2.3.4\r\n';
    await both(target, GET.replace('Connection', `${claims}Connection`));
    const [ours, theirs] = seen;
    expect(ours).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(ours?.['x-real-ip']).not.toBe('1.2.3.4');
    expect(theirs).toMatchObject({ 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' });
    expect(theirs).toMatchObject({ 'x-real-ip': '1.2.3.4' });
  });

  it.each([
    [
      'a coding with an empty part',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n',
    ],
    ['the absolute form of another host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('%s is refused; there it is served', async (_what, text) => {
    const { ours, theirs } = await both(await rig.named('served'), text);
    expect(ours).toMatch(/^HTTP\/1\.1 400 /);
    expect(theirs).toMatch(/^HTTP\/1\.[01] 200 /);
  });

  it('103 arrives; there it is dropped', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('page');
    });
    const { ours, theirs } = await both(target, GET);
    expect(ours).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /i,
    );
    expect(theirs).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('the target decides whether a body is to come; there 100 is said before it has', async () => {
    const target = await rig.target((_incoming, response) => response.end());
    target.server.on('checkContinue', (_incoming, response) => response.writeHead(401).end());
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
    const { ours, theirs } = await both(target, text);
    expect(ours).toMatch(/^HTTP\/1\.1 401 /);
    expect(theirs).toMatch(/^HTTP\/1\.1 100 /);
  });

  it('a connection that its target closes as it is used again costs a GET nothing; there it fails', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    // Of each connection the second request is not answered, but ends it.
    const address = await rawTarget(rig, (text, write, end) => {
      const requests = text.split('\r\n\r\n').length - 1;
      if (requests === 1) write(answer);
      else end();
    });
    const ports = [await rig.serve({ web: rawEntry(address) }), await startPeer(rig, address)];
    const statuses: string[][] = [];
    for (const port of ports) {
      const answers = [await exchange(port, GET, WAIT_MS), await exchange(port, GET, WAIT_MS)];
      statuses.push(answers.map(({ received }) => received.slice(9, 12)));
    }
    expect(statuses[0]).toEqual(['200', '200']);
    expect(statuses[1]).toEqual(['200', '']);
  });

  it('a client that resets before 101 is nothing; there it ends the program', async () => {
    let waiting = 0;
    const address = await rawTarget(rig, () => {
      waiting += 1;
    });
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const reset = async (port: number): Promise<void> => {
      const before = waiting;
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      await until(() => waiting > before, 'the target has the request');
      socket.resetAndDestroy();
    };
    const ours = await rig.serve({ web: rawEntry(address) });
    await reset(ours);
    const [port = 0] = await findFreePorts(1);
    const program = join(ROOT, 'bench/proxy/http-proxy-server.mjs');
    const peer = spawn(process.execPath, [program, `${port}`, address.split(':')[1] ?? ''], {
      stdio: 'ignore',
    });
    const died = once(peer, 'exit');
    try {
      await until(async () => (await exchange(port, 'x\r\n\r\n', 500)).received !== '', 'the peer listens');
      await reset(port);
      expect(await died).toEqual([1, null]);
    } finally {
      peer.kill();
    }
    expect(rig.problems).toEqual([]);
    expect((await exchange(ours, 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', WAIT_MS)).received).toMatch(
      / 400 /,
    );
  });
});
