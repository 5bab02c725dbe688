// A load of WebSocket messages: each connection sends its next when the one before has come back.
import { WebSocket } from 'ws';
import type { Load } from './wrk.ts';

const MESSAGE = Buffer.alloc(64, 'x');
const DEADLINE_MS = 20_000;

interface Tally {
  readonly latencies: number[];
  isOver: boolean;
}

/** Throws when a connection ends, or a message comes back changed. */
export async function runEchoes(
  port: number,
  options: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const opened = Array.from({ length: options.connections }, () => open(port));
  const sockets = await Promise.all(opened);
  const tally: Tally = { latencies: [], isOver: false };
  const begun = performance.now();
  const timer = setTimeout(() => {
    tally.isOver = true;
  }, options.seconds * 1000);
  try {
    await Promise.all(sockets.map((socket) => playPingPong(socket, tally)));
    const seconds = (performance.now() - begun) / 1000;
    return summarize(tally.latencies, seconds);
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.terminate();
  }
}

function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, {
    perMessageDeflate: false,
    handshakeTimeout: DEADLINE_MS,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

function playPingPong(socket: WebSocket, tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = performance.now();
    const send = (): void => {
      sentAt = performance.now();
      socket.send(MESSAGE);
    };
    socket.on('message', (message: Buffer) => {
      tally.latencies.push(performance.now() - sentAt);
      if (!message.equals(MESSAGE)) reject(new Error('a WebSocket message came back changed'));
      else if (tally.isOver) resolve();
      else send();
    });
    socket.once('close', () => reject(new Error('a WebSocket was closed')));
    socket.once('error', reject);
    send();
  });
}

function summarize(latencies: number[], seconds: number): Load {
  const sorted = Float64Array.from(latencies).sort();
  return { requests: sorted.length, seconds, p50Ms: pick(sorted, 0.5), p99Ms: pick(sorted, 0.99) };
}

function pick(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
