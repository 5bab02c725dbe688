// What http-proxy, the model that the design names, does with the same input: why the forwarder is our own.
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, startPeer, WAIT_MS } from './peer-rig.ts';
import { entryOf, Rig, readText, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

describe('side by side with http-proxy', () => {
  it('a chunked DELETE stays one request; there it becomes two', async () => {
    const seen: string[] = [];
    const target = await rig.target(async (incoming, response) => {
      seen.push(`${incoming.method} ${incoming.url}`);
      await readText(incoming);
      response.end();
    });
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    const text = `DELETE /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
    await exchange(await rig.serve({ web: entryOf([target]) }), text, WAIT_MS);
    expect(seen.splice(0)).toEqual(['DELETE /one']);
    await exchange(await startPeer(rig, target.address), text, WAIT_MS);
    expect(seen).toContain('GET /smuggled');
  });

  it('a header that Connection names stays behind; there it leaks', async () => {
    let seen: IncomingMessage['headers'] = {};
    const target = await rig.target((incoming, response) => {
      seen = incoming.headers;
      response.end();
    });
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\n\r\n';
    await exchange(await rig.serve({ web: entryOf([target]) }), text, WAIT_MS);
    expect(seen).not.toHaveProperty('x-secret');
    await exchange(await startPeer(rig, target.address), text, WAIT_MS);
    expect(seen).toHaveProperty('x-secret');
  });

  it('a target that dies in mid-body ends the connection; there the client hangs', async () => {
    const target = await rig.target((incoming, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => incoming.socket.destroy());
    });
    const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const ours = await exchange(await rig.serve({ web: entryOf([target]) }), text, 5_000);
    expect(ours).toMatchObject({ received: expect.stringContaining('half'), ended: true });
    expect(await exchange(await startPeer(rig, target.address), text, WAIT_MS)).toMatchObject({
      ended: false,
    });
  });

  it('20 event streams whose clients leave leave no connection; there they leave 20', async () => {
    const target = await rig.target((_incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const abandon = async (port: number): Promise<void> => {
      const clients = Array.from({ length: 20 }, () => {
        const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
        return socket;
      });
      await Promise.all(clients.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
      for (const socket of clients) socket.destroy();
    };
    await abandon(await rig.serve({ web: entryOf([target]) }));
    await until(() => target.sockets.size === 0, 'no connection to the target is left');
    await abandon(await startPeer(rig, target.address));
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    expect(target.sockets.size).toBe(20);
  });

  it('two Host fields are refused; there they are served', async () => {
    const target = await rig.named('served');
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n';
    expect((await exchange(await rig.serve({ web: entryOf([target]) }), text, WAIT_MS)).received).toMatch(
      / 400 /,
    );
    expect((await exchange(await startPeer(rig, target.address), text, WAIT_MS)).received).toMatch(/served$/);
  });
});
