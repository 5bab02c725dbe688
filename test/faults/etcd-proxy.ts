// A proxy in front of etcd that ends HTTP/2 on both sides, so that it sees gRPC calls one by one and does to the unary
// ones what its gate says; watches and leases are streams, which pass until they are cut.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, DELAY_MS, type FaultGate, type FaultKind } from './gate.ts';
import { hasLanded } from './transaction-reply.ts';

export interface EtcdProxy {
  readonly url: string;
  close(): Promise<void>;
}

const CANCEL = 8;
const INTERNAL = 2;

export async function openEtcdProxy(gate: FaultGate, etcdUrl: string): Promise<EtcdProxy> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    if (gate.isSealed) return session.destroy();
    const upstream = connect(etcdUrl);
    upstream.on('error', () => session.destroy());
    session.on('error', () => upstream.destroy());
    const release = gate.holdConnection(() => session.destroy());
    sessions.add(session);
    session.once('close', () => {
      release();
      sessions.delete(session);
      upstream.destroy();
    });
    session.on('stream', (stream, headers) => void relay(gate, upstream, stream, headers));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('listens on no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function relay(
  gate: FaultGate,
  upstream: ClientHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  stream.on('error', () => undefined);
  if (gate.isSealed) return stream.close(CANCEL);
  const call = describe(headers);
  const isUnary = !/^(Watch\/Watch|Lease\/LeaseKeepAlive)$/.test(call.what);
  const fault = isUnary ? gate.take(call) : null;
  if (fault === 'kill-before') return;
  if (fault === 'black-hole') return void stream.resume();
  if (fault === 'error') return stream.respond({ ':status': 500 }, { endStream: true });
  if (fault === 'delay') await sleep(DELAY_MS);
  if (upstream.destroyed || stream.destroyed) return;
  const onward = upstream.request(headers);
  const release = isUnary ? () => undefined : gate.holdStream(() => stream.close(INTERNAL));
  stream.once('close', () => {
    release();
    onward.close(CANCEL);
  });
  stream.pipe(onward);
  answer(gate, { call, onward, stream, fault });
}

interface Exchange {
  readonly call: Call;
  readonly onward: ClientHttp2Stream;
  readonly stream: ServerHttp2Stream;
  readonly fault: FaultKind | null;
}

function answer(gate: FaultGate, { call, onward, stream, fault }: Exchange): void {
  let trailers: IncomingHttpHeaders = {};
  onward.on('error', () => stream.close(INTERNAL));
  onward.on('trailers', (given) => {
    trailers = given;
  });
  onward.once('close', () => {
    if (onward.rstCode !== 0) stream.close(onward.rstCode);
  });
  onward.once('response', (head, flags) => {
    if (fault === 'kill-after') return gate.kill();
    if (fault === 'freeze-after') gate.freeze();
    if (stream.destroyed) return;
    const isWhole = (flags & 1) === 1;
    stream.respond(head, isWhole ? { endStream: true } : { waitForTrailers: true });
    if (isWhole) return;
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (call.what === 'KV/Txn') readLanding(call, onward);
    if (fault === 'truncate') truncate(onward, stream);
    else if (call.what === 'Watch/Watch' && gate.watchesToCut > 0) cutOnceOpen(gate, onward, stream);
    else onward.pipe(stream);
  });
}

function truncate(onward: ClientHttp2Stream, stream: ServerHttp2Stream): void {
  onward.once('data', (piece: Buffer) => {
    stream.write(piece.subarray(0, piece.length / 2), () => stream.close(INTERNAL));
  });
}

/** Etcd's first word on a watch is that it was created. */
function cutOnceOpen(gate: FaultGate, onward: ClientHttp2Stream, stream: ServerHttp2Stream): void {
  gate.watchesToCut -= 1;
  onward.once('data', (piece: Buffer) => {
    stream.write(piece, () => stream.close(INTERNAL));
  });
}

function readLanding(call: Call, onward: ClientHttp2Stream): void {
  const pieces: Buffer[] = [];
  onward.on('data', (piece: Buffer) => pieces.push(piece));
  onward.once('end', () => {
    call.landed = hasLanded(Buffer.concat(pieces));
  });
}

const CHANGES = /^(KV\/(Put|DeleteRange|Txn)|Lease\/LeaseGrant)$/;

/** `/etcdserverpb.KV/Txn` → `KV/Txn`. */
function describe(headers: IncomingHttpHeaders): Call {
  const what = String(headers[':path']).replace(/^\/etcdserverpb\./, '');
  return { side: 'etcd', what, isChange: CHANGES.test(what), at: performance.now() };
}
