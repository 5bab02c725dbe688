// gRPC as people run it, through the whole proxy: all four kinds of calls, what ends them early, and what the proxy itself
// has to say, while tables change and the proxy hands over.

import { join } from 'node:path';
import { type Client, Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, type GrpcService, grpcClient, grpcService, METHODS } from './grpc-peer.ts';
import { h2cEntry } from './h2c-target.ts';
import { askStream, HOST, Http2Rig } from './http2-rig.ts';
import { until } from './rig.ts';

let rig: Http2Rig;
let service: GrpcService;
let client: Client;
beforeEach(async () => {
  rig = new Http2Rig();
  await rig.issue();
  service = await grpcService(rig, 'a');
  await rig.serveBoth({ web: h2cEntry([service.address]) });
  const certificate = join(rig.folder, 'shop.crt');
  // What fails is to be seen.
  const once = { 'grpc.enable_retries': 0 };
  client = grpcClient(rig, { port: rig.securePort, host: HOST, certificate }, once);
});
afterEach(() => rig.close());

const asIs = (bytes: Buffer): Buffer => bytes;

describe('a call', () => {
  it('with one message each way brings metadata and trailers', async () => {
    const { error, value, head, trailers } = await call(client, METHODS.unary, 'hello');
    expect([error, value.toString()]).toEqual([null, 'a:hello']);
    expect(head?.get('x-told')).toEqual(['https']);
    expect(trailers?.get('x-by')).toEqual(['a']);
  });

  it('of megabytes passes', async () => {
    const sent = Buffer.alloc(6_000_000, 'x');
    const { error, value } = await call(client, METHODS.unary, sent);
    expect([error, value.length]).toEqual([null, sent.length + 2]);
  });

  it('that the service refuses says why', async () => {
    const { error } = await call(client, METHODS.refuse, '');
    expect([error?.code, error?.details]).toEqual([status.FAILED_PRECONDITION, 'not now: ü']);
  });

  it('of a method that is not there says so', async () => {
    const { error } = await call(client, { ...METHODS.unary, path: '/test.Echo/None' }, '');
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  it('beyond its deadline ends at the service too', async () => {
    const { error } = await call(client, METHODS.stall, '', { deadline: Date.now() + 300 });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => service.cancelled() === 1, 'the service knows');
  });

  it('that is cancelled ends at the service too', async () => {
    const { error } = await call(client, METHODS.stall, '', {
      onCall: (cancel) => void setTimeout(cancel, 100),
    });
    expect(error?.code).toBe(status.CANCELLED);
    await until(() => service.cancelled() === 1, 'the service knows');
  });
});

describe('a stream', () => {
  it('from the service comes whole and in its order', async () => {
    const stream = client.makeServerStreamRequest(METHODS.down.path, asIs, asIs, Buffer.alloc(0));
    const seen: string[] = [];
    for await (const bytes of stream) seen.push(String(bytes));
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `a${index}`));
  });

  it('to the service arrives whole', async () => {
    const size = await new Promise((resolve, reject) => {
      const stream = client.makeClientStreamRequest(METHODS.up.path, asIs, asIs, (error, value) =>
        error === null ? resolve(String(value)) : reject(error),
      );
      for (let index = 0; index < 200; index += 1) stream.write(Buffer.alloc(10_000));
      stream.end();
    });
    expect(size).toBe('2000000');
  });

  it('both ways is a conversation, and outlives the time to the first byte', async () => {
    const proxy = { timeout: '200ms', idle_timeout: '5s' };
    await rig.proxy?.sink.apply({ version: 2, services: { web: h2cEntry([service.address], { proxy }) } });
    const stream = client.makeBidiStreamRequest(METHODS.both.path, asIs, asIs);
    const seen: string[] = [];
    stream.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
    for (let index = 0; index < 5; index += 1) {
      stream.write(Buffer.from(String(index)));
      await until(() => seen.length === index + 1, 'it is answered');
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    const ended = new Promise((resolve) => stream.once('status', ({ code }) => resolve(code)));
    stream.end();
    expect([await ended, seen]).toEqual([status.OK, ['a:0', 'a:1', 'a:2', 'a:3', 'a:4']]);
  });

  it('that is silent for too long is cut', async () => {
    const proxy = { idle_timeout: '300ms' };
    await rig.proxy?.sink.apply({ version: 2, services: { web: h2cEntry([service.address], { proxy }) } });
    const stream = client.makeBidiStreamRequest(METHODS.both.path, asIs, asIs);
    stream.on('error', () => undefined);
    const ended = new Promise((resolve) => stream.once('status', ({ code }) => resolve(code)));
    stream.write(Buffer.from('a'));
    stream.resume();
    expect(await ended).not.toBe(status.OK);
    await until(() => service.cancelled() === 1, 'the service knows');
  });
});

describe('what the proxy says itself', () => {
  it.each([
    ['no route', {}, status.UNIMPLEMENTED, /no-route/],
    ['no replica', { web: h2cEntry([], { split: {} }) }, status.UNAVAILABLE, /no-target/],
    [
      'no connection',
      { web: h2cEntry(['127.0.0.1:1'], { proxy: { park: { timeout: '100ms' } } }) },
      status.UNAVAILABLE,
      /target-unreachable/,
    ],
  ])('of %s is an error of gRPC', async (_name, services, code, details) => {
    await rig.proxy?.sink.apply({ version: 2, services });
    const { error } = await call(client, METHODS.unary, '');
    expect([error?.code, error?.details]).toEqual([code, expect.stringMatching(details)]);
  });

  it('of a time that is over, or a message too large, is one that no client repeats', async () => {
    const proxy = { timeout: '200ms', max_body: 1_000 };
    await rig.proxy?.sink.apply({ version: 2, services: { web: h2cEntry([service.address], { proxy }) } });
    expect((await call(client, METHODS.stall, '')).error?.code).toBe(status.DEADLINE_EXCEEDED);
    const large = await call(client, METHODS.unary, Buffer.alloc(5_000));
    expect(large.error?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('is a head alone, for gRPC and nothing else', async () => {
    await rig.proxy?.sink.apply({ version: 2, services: {} });
    const session = await rig.session();
    const asked = (type: string) => askStream(session, { ':method': 'POST', 'content-type': type }, '');
    expect(await asked('application/grpc+proto')).toMatchObject({
      ...{ status: 200, isBare: true, code: 0 },
      headers: { 'content-type': 'application/grpc', 'grpc-status': '12' },
    });
    expect(await asked('application/grpc-web')).toMatchObject({ status: 404, isBare: false });
    const codes = (await rig.proxy?.stats())?.unrouted;
    expect(codes).toEqual([0, 0, 0, 2, 0]);
  });
});

describe('no call is lost', () => {
  it('while the table swaps between revisions', async () => {
    const other = await grpcService(rig, 'b');
    const failed: unknown[] = [];
    let [isOver, count] = [false, 0];
    const names = new Set<string>();
    const work = Array.from({ length: 6 }, async () => {
      while (!isOver) {
        const { error, value } = await call(client, METHODS.unary, 'x');
        count += 1;
        names.add(value.toString());
        if (error !== null) failed.push(error.message);
      }
    });
    const long = client.makeBidiStreamRequest(METHODS.both.path, asIs, asIs, new Metadata());
    const seen: string[] = [];
    long.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
    long.write(Buffer.from('first'));
    await until(() => seen.length === 1, 'the long one flows');
    for (let version = 2; version < 22; version += 1) {
      const isOther = version % 2 === 0;
      const targets = [
        { revision: isOther ? 2 : 1, address: (isOther ? other : service).address, protocol: 'h2c' as const },
      ];
      const web = h2cEntry([], { split: { [isOther ? 2 : 1]: 100 }, targets });
      await rig.proxy?.sink.apply({ version, services: { web } });
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    isOver = true;
    await Promise.all(work);
    expect([failed, [...names].sort()]).toEqual([[], ['a:x', 'b:x']]);
    expect(count).toBeGreaterThan(50);
    const ended = new Promise((resolve) => long.once('status', ({ code }) => resolve(code)));
    long.write(Buffer.from('last'));
    long.end();
    expect([await ended, seen.at(-1)]).toEqual([status.OK, 'a:last']);
  });

  it('that is in hand when the proxy retires', async () => {
    const stream = client.makeBidiStreamRequest(METHODS.both.path, asIs, asIs);
    const seen: string[] = [];
    stream.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
    stream.write(Buffer.from('1'));
    await until(() => seen.length === 1, 'it flows');
    const retired = rig.proxy?.retire(300);
    await new Promise((resolve) => setTimeout(resolve, 600));
    stream.write(Buffer.from('2'));
    const ended = new Promise((resolve) => stream.once('status', ({ code }) => resolve(code)));
    stream.end();
    expect([await ended, seen]).toEqual([status.OK, ['a:1', 'a:2']]);
    await retired;
  });
});
