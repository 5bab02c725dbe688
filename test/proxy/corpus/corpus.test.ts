import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entryOf, Rig } from '../rig.ts';
import { BODY_CASES } from './body-cases.ts';
import type { Case } from './case.ts';
import { converse, readStatuses, type Send, sendWhole, WAYS } from './converse.ts';
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

/** A request of its own, on a connection of its own, that finds the connections to the target as the case left them. */
async function mark(): Promise<(number | string)[]> {
  const text = 'GET /mark HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  return readStatuses(await converse(port, text, sendWhole), text);
}

async function run({ text, reaches, statuses }: Case, send: Send): Promise<void> {
  const received = await converse(port, text, send);
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
