// http-proxy in front of a target, for tests that show what it does with the same input, and a raw client for both.
import { Agent, createServer } from 'node:http';
import { connect } from 'node:net';
import httpProxy from 'http-proxy';
import { portOf, type Rig } from './rig.ts';

/** Long enough for anything that comes at all. */
export const WAIT_MS = 600;

/** http-proxy as it is put to use: with a keep-alive agent. Returns its port. */
export async function startPeer(rig: Rig, address: string): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const proxy = httpProxy.createProxyServer({ target: `http://${address}`, agent });
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

/** What has come back when the time is over, or at the end of the connection; `ended` tells which. */
export function exchange(
  port: number,
  text: string,
  waitMs: number,
): Promise<{ received: string; ended: boolean }> {
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
