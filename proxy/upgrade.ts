// A connection that has gone over to another protocol (WebSocket and others): two sockets, joined until both have
// ended. Knows no table; its request counts as in flight until `onEnd`.
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const KEEP_ALIVE_MS = 30_000;

export interface TunnelEnd {
  readonly socket: Duplex;
  /** What it sent behind its head already. */
  readonly first: Buffer;
}

export interface Tunnel {
  readonly response: ServerResponse;
  readonly client: TunnelEnd;
  readonly target: TunnelEnd;
  readonly protocol: string;
  /** Of the response, name, value, …, without those of one connection. */
  readonly fields: readonly string[];
}

/** Idle tunnels live: only TCP's own probes tell whether the other side is still there. */
export function openTunnel(tunnel: Tunnel, onEnd: () => void): void {
  const { response, client, target } = tunnel;
  const socket = client.socket;
  if (socket instanceof Socket) response.detachSocket(socket);
  for (const end of [client, target]) prepare(end.socket);
  let open = 2;
  const close = (other: Duplex) => (): void => {
    other.destroy();
    open -= 1;
    if (open === 0) onEnd();
  };
  socket.once('close', close(target.socket));
  target.socket.once('close', close(socket));
  socket.write(Buffer.from(renderHead(tunnel), 'latin1'));
  if (target.first.length > 0) socket.write(target.first);
  if (client.first.length > 0) target.socket.write(client.first);
  socket.pipe(target.socket);
  target.socket.pipe(socket);
  if (socket.destroyed) target.socket.destroy();
}

function prepare(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  if (!(socket instanceof Socket)) return;
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

function renderHead({ fields, protocol }: Tunnel): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`];
  for (let index = 0; index < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
