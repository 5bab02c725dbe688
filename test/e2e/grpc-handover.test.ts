// gRPC to `slipway proxy --https` while its processes change: clients are told by GOAWAY, and no call is lost.

import { join } from 'node:path';
import { type Client, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { call, grpcClient, grpcService, METHODS } from '../proxy/grpc-peer.ts';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { waitFor } from '../support/wait.ts';

let place: ProxyPlace;
const closers: (() => Promise<void>)[] = [];
const home = { onClose: (closer: () => Promise<void>): unknown => closers.push(closer) };
beforeEach(() => {
  place = new ProxyPlace();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await place.stop();
});

const asIs = (bytes: Buffer): Buffer => bytes;

async function openClient(): Promise<Client> {
  const service = await grpcService(home, 'a');
  place.writeTable(Number(service.address.split(':')[1]), 'h2c');
  const certificate = join(place.certificates, 'web.crt');
  const client = grpcClient(home, { port: place.securePort, host: HOST, certificate });
  await waitFor('the service to answer', async () => (await call(client, METHODS.unary, '')).error === null);
  return client;
}

it.each(['1', '2'])('no call is lost over two hand-overs, with %s workers', async (workers) => {
  await place.startSecure('--workers', workers, '--drain', '2s');
  const client = await openClient();
  const failures: string[] = [];
  let [isOver, count] = [false, 0];
  const work = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { error } = await call(client, METHODS.unary, 'x');
      if (error !== null) failures.push(error.message);
      count += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  const stream = client.makeBidiStreamRequest(METHODS.both.path, asIs, asIs);
  const seen: string[] = [];
  stream.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
  stream.write(Buffer.from('1'));
  await waitFor('the stream to flow', () => seen.length === 1);
  for (let time = 0; time < 2; time += 1) await place.handOver();
  stream.write(Buffer.from('2'));
  const ended = new Promise((resolve) => stream.once('status', ({ code }) => resolve(code)));
  stream.end();
  expect([await ended, seen]).toEqual([status.OK, ['a:1', 'a:2']]);
  const before = count;
  await waitFor('calls to pass on', () => count > before + 20);
  isOver = true;
  await Promise.all(work);
  expect(failures).toEqual([]);
  await waitFor('the former ones to end', () => place.listLiving().length === 1);
});
