// A client of HTTP/2 that has gone without a word, with a request in hand, is noticed; one that only says nothing is kept.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Conversation } from '../../../proxy/clients/conversation.ts';
import { Http2Sessions } from '../../../proxy/clients/http2-sessions.ts';
import { FLAGS, type FrameClient, openFrames, TYPES } from '../frame-client.ts';
import { head } from '../frame-stage.ts';
import { portOf, until } from '../rig.ts';
import { CLIENT } from './http1-stage.ts';

let server: Server;
let open: Socket[];
let served: Conversation[];
beforeEach(async () => {
  [open, served] = [[], []];
  const front = {
    meet: () => CLIENT,
    closing: false,
    serve: (conversation: Conversation): unknown => served.push(conversation),
    refuse: (conversation: Conversation): unknown => served.push(conversation),
  };
  const limits = { maxHeaderBytes: 32_768, firstMs: 60_000, idleMs: 60_000, silenceMs: 300 };
  const sessions = new Http2Sessions(front, limits);
  server = createServer((socket) => {
    open.push(socket);
    sessions.converse(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  server.close();
});

async function ask(): Promise<FrameClient> {
  const client = openFrames(connect(portOf(server as never), '127.0.0.1'));
  client.send(TYPES.headers, FLAGS.endHeaders | FLAGS.endStream, 1, head());
  await until(() => served.length === 1, 'it is served');
  return client;
}

const isPing = ({ type, flags }: { readonly type: number; readonly flags: number }) =>
  type === TYPES.ping && flags === 0;

it('one that answers no PING is cut off, and its request with it', async () => {
  const client = await ask();
  let isGone = false;
  served[0]?.response.once('close', () => {
    isGone = true;
  });
  await until(() => isGone && client.isClosed(), 'it is cut off');
  expect(client.frames.filter(isPing)).toHaveLength(1);
});

it('one that answers is kept', async () => {
  const client = await ask();
  client.onFrame((frame) => {
    if (isPing(frame)) client.send(TYPES.ping, FLAGS.ack, 0, frame.payload);
  });
  await until(() => client.frames.filter(isPing).length === 3, 'it was asked again and again');
  expect(client.isClosed()).toBe(false);
});
