import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { arbitraryCut, mutate } from '../mutations.ts';
import { entryOf, Rig, talk } from '../rig.ts';
import { BODY_CASES } from './body-cases.ts';
import { sendAndEnd } from './converse.ts';
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
afterAll(() => rig.close());

const RUNS = 500;
/** For a machine that is busy with other things. */
const TIMEOUT_MS = 180_000;
const TEXTS = [...BODY_CASES, ...HEAD_CASES].map(({ text }) => text).filter(({ length }) => length < 2_000);
const cut = arbitraryCut(
  'Content-Length: 1\r\n',
  'Transfer-Encoding: chunked\r\n',
  '0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
);

it(
  'whatever is sent: each answer of the target is one request that it has understood, and the next client is well',
  async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...TEXTS),
      fc.array(cut, { minLength: 1, maxLength: 3 }),
      async (text, cuts) => {
        judge.forget();
        const received = await sendAndEnd(port, mutate(text, cuts));
        const served = received.match(/HTTP\/1\.1 200 /g)?.length ?? 0;
        const reached = judge.seen.length;
        const mark = await talk(port, 'GET /mark HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        expect({ problems: judge.problems, reached, last: judge.seen.at(-1) }).toEqual({
          problems: [],
          reached: served,
          last: 'GET /mark',
        });
        expect(mark).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/);
        expect(received).not.toMatch(/HTTP\/1\.1 5/);
      },
    );
    await fc.assert(property, { numRuns: RUNS });
    expect(rig.problems).toEqual([]);
  },
  TIMEOUT_MS,
);
