import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Conversation } from '../../../proxy/clients/conversation.ts';
import { takeTurn, untilTaken } from '../../../proxy/messages/turns.ts';
import { Rig, until } from '../rig.ts';
import { answer, burn, CLOSE, converse, GET, open } from './http1-stage.ts';

const rig = new Rig();
afterEach(() => rig.close());

const CLIENTS = 20;

describe('pieces of many heads that come at once', () => {
  it('are read in turns, so that a request that comes whole does not wait for all of them', async () => {
    let [told, toldBefore] = [0, -1];
    const [port] = await converse(rig, (conversation) => {
      if (conversation.request.url === '/whole') toldBefore = told;
      else if (conversation.request.url === '/halves') burn(2);
      told += 1;
      answer(conversation);
    });
    const [first, second] = ['GET /halves HTTP/1.1\r\nHo', 'st: a\r\nConnection: close\r\n\r\n'];
    const clients = Array.from({ length: CLIENTS }, () => open(port, first));
    const late = open(port, GET('/'));
    await until(() => late.received.includes('ok'), 'all have begun');
    told = 0;
    for (const { socket } of clients) socket.write(second);
    late.socket.write(GET('/whole', CLOSE));
    burn(50);
    await until(() => toldBefore >= 0, 'the whole one is answered');
    expect(toldBefore).toBeLessThan(CLIENTS / 2);
    await until(() => clients.every(({ received }) => received.includes('ok')), 'all are answered');
    expect(told).toBe(CLIENTS + 1);
    for (const { socket } of clients) socket.destroy();
  });
});

describe('pieces of many bodies that come at once', () => {
  const PIECES = 4;
  const pieceOf = (client: number, place: number): string => `piece ${place} of ${client} `.padEnd(20);

  it('come whole and in their order, and a request that comes whole does not wait for all of them', async () => {
    const bodies = new Set<string>();
    let [told, toldBefore] = [0, -1];
    const [port] = await converse(rig, (conversation) => {
      const { request } = conversation;
      if (request.complete) {
        toldBefore = told;
        answer(conversation);
        return;
      }
      let body = '';
      request.on('data', (piece) => {
        body += piece;
        told += 1;
        burn(2);
      });
      request.once('end', () => {
        bodies.add(body);
        answer(conversation);
      });
    });
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${PIECES * 20}\r\n\r\n`;
    const clients = Array.from({ length: CLIENTS }, (_, each) => open(port, head + pieceOf(each, 0)));
    const late = open(port, '');
    await until(() => told === CLIENTS, 'all have begun');
    for (const [each, { socket }] of clients.entries()) socket.write(pieceOf(each, 1));
    late.socket.write(GET('/', CLOSE));
    burn(50);
    await until(() => late.received.includes('ok'), 'the whole one is answered');
    expect(toldBefore).toBeGreaterThanOrEqual(CLIENTS);
    expect(toldBefore).toBeLessThan(1.5 * CLIENTS);
    for (const [each, { socket }] of clients.entries()) socket.write(pieceOf(each, 2) + pieceOf(each, 3));
    await until(() => clients.every(({ received }) => received.includes('ok')), 'all are answered');
    const sent = clients.map((_, each) => [0, 1, 2, 3].map((place) => pieceOf(each, place)).join(''));
    expect(bodies).toEqual(new Set(sent));
    for (const { socket } of clients) socket.destroy();
  });

  it('leave a connection alone that has gone over to another protocol meanwhile', async () => {
    const served: Conversation[] = [];
    const offers: Socket[] = [];
    const [port] = await converse(
      rig,
      (conversation) => void served.push(conversation),
      (_exchange, socket) => void offers.push(socket),
    );
    const client = open(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n');
    await until(() => served.length === 1, 'it is served');
    const [{ request, response }] = served as [Conversation];
    request.on('data', () => undefined);
    request.once('end', () => answer({ request, response }));
    const { socket } = request;
    const before = socket.bytesRead;
    for (let each = 0; each < 200; each += 1) takeTurn(() => burn(1));
    client.socket.write('abcd');
    await until(() => socket.bytesRead === before + 4, 'the piece is held');
    request.pause();
    request.resume();
    client.socket.write(`efgh${GET('/', 'Connection: Upgrade\r\nUpgrade: custom/1\r\n')}`);
    await until(() => offers.length === 1, 'it makes an offer');
    client.socket.write('early');
    await untilTaken();
    await until(() => offers[0]?.readableLength === 'early'.length, 'its first word waits');
    expect(String(offers[0]?.read())).toBe('early');
    client.socket.destroy();
  });
});
