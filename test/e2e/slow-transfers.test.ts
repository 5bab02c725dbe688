import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { waitFor } from '../support/wait.ts';

const TRANSFERS = 200;
const BYTES = 50_000_000;
const PIECE = Buffer.alloc(65_536, 'x');
const LASTS_MS = 8_000;
/** A slow side takes what has come, and then nothing for so long. */
const REST_MS = 400;
/** All of it: bodies that were held would be a thousand times as much. */
const MOST_MB = 175;

const place = new ProxyPlace();
const slow = new Set<Socket>();
let target: Server;

beforeAll(async () => {
  place.isBuilt = true;
  await place.start();
  target = createServer(serve);
  target.listen(0, '127.0.0.1');
  await new Promise((resolve) => target.once('listening', resolve));
  place.writeTable((target.address() as AddressInfo).port);
  await waitFor('the table to be followed', isFollowed);
});
afterAll(async () => {
  for (const socket of slow) socket.destroy();
  target.closeAllConnections();
  target.close();
  await place.stop();
});

/** As fast as it is read, or as slowly as nobody likes it. */
function serve(incoming: IncomingMessage, response: ServerResponse): void {
  if (incoming.url === '/down') {
    response.writeHead(200, { 'Content-Length': BYTES });
    writeOn(response, BYTES);
  } else if (incoming.url === '/up') readSlowly(incoming.socket, incoming);
  else response.setHeader('x-own', 'yes').end();
}

interface Sink {
  write(piece: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

function writeOn(sink: Sink, left: number): void {
  let rest = left;
  while (rest > 0) {
    const piece = rest < PIECE.length ? PIECE.subarray(0, rest) : PIECE;
    rest -= piece.length;
    if (sink.write(piece)) continue;
    sink.once('drain', () => writeOn(sink, rest));
    return;
  }
}

interface Source {
  on(event: 'data', listener: (piece: Buffer) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** Returns how much has come so far. */
function readSlowly(socket: Socket, source: Source): () => number {
  let read = 0;
  slow.add(socket);
  source.on('data', (piece) => {
    read += piece.length;
    source.pause();
    setTimeout(() => source.resume(), REST_MS);
  });
  socket.on('error', () => socket.destroy());
  return () => read;
}

function isFollowed(): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { port: place.port, host: '127.0.0.1', path: '/ready', headers: { Host: HOST } };
    const asking = request(options, (response) => {
      response.resume();
      resolve(response.headers['x-own'] === 'yes');
    });
    asking.on('error', () => resolve(false));
    asking.end();
  });
}

function open(line: string, fields = ''): Socket {
  const socket = connect(place.port, '127.0.0.1');
  socket.write(`${line}\r\nHost: ${HOST}\r\n${fields}\r\n`);
  return socket;
}

function readResident(): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${place.pid()}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_000;
}

async function findMostResident(): Promise<number> {
  let most = 0;
  for (const end = performance.now() + LASTS_MS; performance.now() < end; await sleep(100))
    most = Math.max(most, readResident());
  return most;
}

it(`${TRANSFERS} slow downloads of ${BYTES / 1e6} MB are not held in memory`, async () => {
  const before = readResident();
  const reads = Array.from({ length: TRANSFERS }, () => {
    const client = open('GET /down HTTP/1.1');
    return readSlowly(client, client);
  });
  const most = await findMostResident();
  console.log(`downloads: ${before.toFixed(0)} MB resident before, ${most.toFixed(0)} at most`);
  expect(reads.every((read) => read() > 0 && read() < BYTES)).toBe(true);
  expect(most).toBeLessThan(MOST_MB);
  for (const socket of slow) socket.destroy();
});

it(`${TRANSFERS} slow uploads of ${BYTES / 1e6} MB are not held in memory`, async () => {
  const before = readResident();
  slow.clear();
  for (let count = 0; count < TRANSFERS; count += 1) {
    const client = open('POST /up HTTP/1.1', `Content-Length: ${BYTES}\r\n`);
    client.on('error', () => client.destroy());
    writeOn(client, BYTES);
  }
  await waitFor('every upload to have begun', () => slow.size === TRANSFERS);
  const most = await findMostResident();
  console.log(`uploads: ${before.toFixed(0)} MB resident before, ${most.toFixed(0)} at most`);
  expect(most).toBeLessThan(MOST_MB);
});
