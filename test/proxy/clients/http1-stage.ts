// What tests of HTTP/1.1 towards clients share: raw clients, and connections without a data plane behind them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Conversation } from '../../../proxy/clients/conversation.ts';
import type { Client } from '../../../proxy/clients/headers.ts';
import { Http1Connection } from '../../../proxy/clients/http1-connection.ts';
import type { Http1Front, Http1Place } from '../../../proxy/clients/http1-place.ts';
import { lineOf } from '../../../proxy/clients/line.ts';
import { Deadlines } from '../../../proxy/exchange/deadlines.ts';
import { FieldLines } from '../../../proxy/messages/field-lines.ts';
import type { Rig } from '../rig.ts';

export const GET = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
export const CLOSE = 'Connection: close\r\n';

/** As every connection here is met. */
export const CLIENT: Client = {
  address: '127.0.0.1',
  proto: 'http',
  trusted: false,
  hop: 'for=127.0.0.1;proto=http',
};

/** Nothing else happens meanwhile. */
export const burn = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

/** Sends this, and collects what comes back. */
export function open(
  port: number,
  text: string,
): { readonly socket: Socket; received: string; ended: boolean } {
  const socket = connect(port, '127.0.0.1');
  const state = { socket, received: '', ended: false };
  socket.write(text);
  socket.on('data', (bytes) => {
    state.received += bytes;
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    state.ended = true;
  });
  return state;
}

/** Connections whose bytes come as those of streams, without a data plane. Returns the port, and those that are open. */
export async function converse(
  rig: Rig,
  serve: Http1Front['serve'],
  upgrade: Http1Front['upgrade'] = () => undefined,
): Promise<readonly [number, ReadonlySet<Http1Connection>]> {
  const open = new Set<Http1Connection>();
  const nothing = (): void => undefined;
  const front: Http1Front = { meet: () => CLIENT, serve, refuse: nothing, noteUnread: nothing, upgrade };
  const limits = { maxHeaderBytes: 1_024, headMs: 1_000, idleMs: 1_000 };
  const place: Http1Place = { front, limits, keepAlive: '', deadlines: new Deadlines(), open };
  const door = createServer(
    { allowHalfOpen: true },
    (socket) => void new Http1Connection(lineOf(socket), place),
  );
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  rig.onClose(async () => void door.close());
  return [(door.address() as AddressInfo).port, open];
}

export function answer({ response }: Conversation, text = 'ok'): void {
  response.writeHead(200, 'OK', new FieldLines(['Content-Length', String(text.length)]), []);
  response.write(text, 'latin1');
  response.end();
}
