// What http-proxy, the model that the design names, does with the same input: why the forwarder is our own.
import { Agent, createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import httpProxy from 'http-proxy';
import { afterEach, describe, expect, it } from 'vitest';
import { entryOf, portOf, Rig, readText, type TestTarget, until } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** http-proxy as it is put to use: with a keep-alive agent. */
async function peer(target: TestTarget): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const proxy = httpProxy.createProxyServer({ target: `http://${target.address}`, agent });
  proxy.on('error', () => undefined);
  const server = createServer((incoming, response) => proxy.web(incoming, response));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    server.closeAllConnections();
    server.close();
    agent.destroy();
  });
  return portOf(server);
}

/** What has come back after the text was sent and `isEnough`, or the end of the connection; `ended` tells which. */
function exchange(port: number, text: string, waitMs: number): Promise<{ received: string; ended: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let received = '';
    const timer = setTimeout(() => {
      resolve({ received, ended: false });
      socket.destroy();
    }, waitMs);
    socket.on('data', (bytes) => {
      received += bytes;
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ received, ended: true });
    });
  });
}

const WAIT_MS = 600;

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
    await exchange(await peer(target), text, WAIT_MS);
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
    await exchange(await peer(target), text, WAIT_MS);
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
    expect(await exchange(await peer(target), text, WAIT_MS)).toMatchObject({ ended: false });
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
    await abandon(await peer(target));
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    expect(target.sockets.size).toBe(20);
  });

  it('two Host fields are refused; there they are served', async () => {
    const target = await rig.named('served');
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n';
    expect((await exchange(await rig.serve({ web: entryOf([target]) }), text, WAIT_MS)).received).toMatch(
      / 400 /,
    );
    expect((await exchange(await peer(target), text, WAIT_MS)).received).toMatch(/served$/);
  });
});
