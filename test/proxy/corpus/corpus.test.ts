import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entryOf, Rig } from '../rig.ts';
import { BODY_CASES } from './body-cases.ts';
import type { Case } from './case.ts';
import { HEAD_CASES } from './head-cases.ts';
import { Judge } from './judge.ts';

const rig = new Rig();
const judge = new Judge();
let port = 0;
beforeAll(async () => {
  await judge.listen(rig);
  const targets = [{ revision: 1, address: judge.address }];
  port = await rig.serve({ web: entryOf([], { targets, proxy: { retries: 0 } }) });
});
beforeEach(() => judge.forget());
afterAll(() => rig.close());

const WAYS = { 'in one segment': sendWhole, 'byte by byte': sendBytes } as const;
type Send = (text: string, write: (bytes: Buffer) => boolean) => Promise<void>;

async function sendWhole(text: string, write: Parameters<Send>[1]): Promise<void> {
  write(Buffer.from(text, 'latin1'));
}

async function sendBytes(text: string, write: Parameters<Send>[1]): Promise<void> {
  // Most of a long text is filling.
  const step = Math.ceil(text.length / 1_000);
  for (let at = 0; at < text.length; at += step) {
    if (!write(Buffer.from(text.slice(at, at + step), 'latin1'))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What comes back until the connection ends; `open` where it does not. */
function converse(text: string, send: Send): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    const timer = setTimeout(() => {
      received += '[open]';
      socket.destroy();
    }, 5_000);
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    void send(text, (bytes) => {
      if (socket.writable) socket.write(bytes);
      return socket.writable;
    });
  });
}

/** The statuses, in order; anything between or behind the answers is told as it is. */
function readStatuses(received: string, text: string): (number | string)[] {
  const statuses: (number | string)[] = [];
  let rest = received;
  while (rest !== '') {
    const [head, status = ''] = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(rest) ?? [];
    if (head === undefined) return [...statuses, rest];
    const [, length = '0'] = /\r\nContent-Length: (\d+)\r\n/.exec(head) ?? [];
    const isBare = statuses.length === 0 && text.startsWith('HEAD');
    rest = rest.slice(head.length + (isBare ? 0 : Number(length)));
    statuses.push(Number(status));
  }
  return statuses;
}

/** A request of its own, on a connection of its own, that finds the connections to the target as the case left them. */
async function mark(): Promise<(number | string)[]> {
  const text = 'GET /mark HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  return readStatuses(await converse(text, sendWhole), text);
}

async function run({ text, reaches, statuses }: Case, send: Send): Promise<void> {
  const received = await converse(text, send);
  const after = await mark();
  const found = {
    statuses: readStatuses(received, text),
    reached: judge.seen,
    after,
    problems: judge.problems,
  };
  expect(found).toEqual({ statuses, reached: [...reaches, 'GET /mark'], after: [200], problems: [] });
}

describe.each(Object.entries(WAYS))(
  'one request in is one request at the target, or refused, %s:',
  (_name, send) => {
    describe('how a body is framed', () => {
      it.each(BODY_CASES.map((each) => [each.name, each] as const))('%s', (_case, each) => run(each, send));
    });
    describe('lines, fields and rows of requests', () => {
      it.each(HEAD_CASES.map((each) => [each.name, each] as const))('%s', (_case, each) => run(each, send));
    });
  },
);

it('the proxy itself came through without a problem', () => expect(rig.problems).toEqual([]));
