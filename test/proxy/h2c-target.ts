// Targets that speak HTTP/2 without TLS: node's own server, and one that is only frames.
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type FrameClient, openFrames } from './frame-client.ts';
import type { Rig } from './rig.ts';

export interface H2cTarget {
  readonly address: string;
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** How many connections there were. */
  opened(): number;
}

export type OnStream = (stream: ServerHttp2Stream, fields: readonly string[]) => void;

export async function h2cTarget(rig: Rig, onStream: OnStream, maxStreams?: number): Promise<H2cTarget> {
  const settings = maxStreams === undefined ? {} : { maxConcurrentStreams: maxStreams };
  const server = createServer({ settings });
  const sessions = new Set<ServerHttp2Session>();
  let opened = 0;
  server.on('session', (session) => {
    opened += 1;
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, _fields, _flags, raw) => {
    stream.on('error', () => undefined);
    onStream(stream, raw as unknown as string[]);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    sessions,
    opened: () => opened,
  };
}

/** One that is only frames; it has said its settings when `onConnection` is called, unless it is mute. */
export async function frameTarget(
  rig: Rig,
  onConnection: (peer: FrameClient) => void,
  isMute = false,
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    onConnection(openFrames(socket, isMute ? 'mute' : 'server'));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function h2cEntry(addresses: readonly string[], more = {}) {
  return {
    ...{ routes: [{ path: '/' }], split: { 1: 100 }, roles: { stable: 1, candidate: null } },
    targets: addresses.map((address) => ({ revision: 1, address, protocol: 'h2c' as const })),
    ...more,
  };
}

export function fieldOf(fields: readonly string[], name: string): string | undefined {
  const index = fields.findIndex((each, place) => place % 2 === 0 && each === name);
  return index < 0 ? undefined : fields[index + 1];
}
