// A connection that has gone over to another protocol (WebSocket and others): two sockets, joined until both have
// ended. Knows no table; its request counts as in flight until `onEnd`.
//
// INVARIANTS
// - What one side has sent before it ended, or was cut off, reaches the other side, if that reads.
// - Either side may end first, and still hear the other.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientResponse } from '../clients/conversation.ts';
import { composeOwn, composeResponse, findField } from '../clients/headers.ts';
import type { ResponseHead } from '../targets/response-head.ts';
import { composeGoingAway, FrameTracker } from './frames.ts';
import type { Job } from './job.ts';
import type { Streams } from './streams.ts';

const KEEP_ALIVE_MS = 30_000;
/** How long a frame may take to its end, and then a side to take its leave, once the tunnel is to end. */
const LEAVE_MS = 1_000;
/** Once a side has ended, how long nothing may pass before the other is taken to be gone as well. */
const HALF_OPEN_MS = 60_000;

export interface TunnelEnd {
  readonly socket: Duplex;
  /** What it sent behind its head already. */
  readonly first: Buffer;
}

export interface Tunnel {
  readonly response: Pick<ClientResponse, 'detachSocket'>;
  readonly client: TunnelEnd;
  readonly target: TunnelEnd;
  readonly protocol: string;
  /** Of the response, name, value, …, without those of one connection. */
  readonly fields: readonly string[];
  readonly streams: Streams;
}

/** The target has agreed: its answer goes to the client, and then whatever either says. */
export function goOver(
  job: Job,
  client: TunnelEnd,
  answer: ResponseHead,
  target: TunnelEnd,
  onEnd: () => void,
): void {
  const { response, plane, settings } = job;
  response.statusCode = 101;
  const fields = [...composeResponse(answer, settings, false).list, ...composeOwn(job)];
  const protocol = findField(answer.fields, 'upgrade') ?? '';
  openTunnel({ response, client, target, streams: plane.streams, protocol, fields }, onEnd);
}

/** Idle tunnels live: only TCP's own probes tell whether the other side is still there. */
export function openTunnel(tunnel: Tunnel, onEnd: () => void): void {
  const { response, client, target } = tunnel;
  const socket = client.socket;
  response.detachSocket?.();
  for (const end of [client, target]) prepare(end.socket);
  const ways = [new Way(target, client, tunnel, false), new Way(client, target, tunnel, true)];
  const forget = tunnel.streams.add(() => {
    for (const way of ways) way.end();
  });
  let open = 2;
  const close = (other: Duplex) => (): void => {
    finish(other);
    open -= 1;
    if (open > 0) return;
    forget();
    onEnd();
  };
  onceClosed(socket, close(target.socket));
  onceClosed(target.socket, close(socket));
  for (const end of [client, target])
    end.socket.once('end', () => {
      limitSilence(socket);
      limitSilence(target.socket);
    });
  socket.write(Buffer.from(renderHead(tunnel), 'latin1'));
  for (const way of ways) way.start();
  if (socket.destroyed) target.socket.destroy();
}

/** Also of one that has closed before: it says so once. */
function onceClosed(socket: Duplex, listener: () => void): void {
  if (socket.closed) process.nextTick(listener);
  else socket.once('close', listener);
}

/** The other side is closed: what it sent still goes out, and what comes for it is dropped. */
function finish(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.resume();
  limitSilence(socket);
  const leave = (): void => {
    setTimeout(() => socket.destroy(), LEAVE_MS).unref();
  };
  socket.once('finish', leave);
  if (socket.writableFinished) leave();
  else socket.end();
}

/** One direction. */
class Way {
  readonly #from: TunnelEnd;
  readonly #to: Duplex;
  /** Null where the protocol is none that has a word for goodbye. */
  readonly #frames: FrameTracker | null;
  readonly #isMasked: boolean;
  #isEnding = false;

  constructor(from: TunnelEnd, to: TunnelEnd, { protocol }: Tunnel, isMasked: boolean) {
    this.#from = from;
    this.#to = to.socket;
    this.#frames = protocol.toLowerCase() === 'websocket' ? new FrameTracker() : null;
    this.#isMasked = isMasked;
  }

  start(): void {
    const { socket, first } = this.#from;
    if (first.length > 0) this.#to.write(first);
    this.#frames?.note(first);
    socket.pipe(this.#to);
    if (this.#frames !== null) socket.on('data', (chunk: Buffer) => this.#note(chunk));
  }

  /** Behind the frame that is under way, where its end comes soon. */
  end(): void {
    this.#isEnding = true;
    if (this.#frames?.isBetweenFrames === false) setTimeout(() => this.#leave(), LEAVE_MS).unref();
    else this.#leave();
  }

  #note(chunk: Buffer): void {
    this.#frames?.note(chunk);
    if (this.#isEnding && this.#frames?.isBetweenFrames === true) this.#leave();
  }

  /** What still comes from the other side is read and dropped: closing on unread bytes would reset the connection. */
  #leave(): void {
    if (this.#to.writableEnded) return;
    const { socket } = this.#from;
    socket.unpipe(this.#to);
    socket.resume();
    if (this.#frames?.isBetweenFrames === true) this.#to.end(composeGoingAway(this.#isMasked));
    else this.#to.end();
    setTimeout(() => this.#to.destroy(), LEAVE_MS).unref();
  }
}

function prepare(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  if (!(socket instanceof Socket)) return;
  socket.allowHalfOpen = true;
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

function limitSilence(socket: Duplex): void {
  if (socket instanceof Socket) socket.setTimeout(HALF_OPEN_MS, () => socket.destroy());
}

function renderHead({ fields, protocol }: Tunnel): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${protocol}`];
  for (let index = 0; index < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
