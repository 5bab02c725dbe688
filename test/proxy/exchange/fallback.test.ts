// A 404 for an asset, and what the other revision has to say.
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { rawTarget } from '../raw-target.ts';
import { ask, Rig, type TestTarget, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const web = async () => (await rig.proxy?.stats())?.services.web;

/** Has these paths; every other one is a 404 with its name and so many bytes behind it. */
async function having(
  name: string,
  paths: readonly string[],
  padding = 0,
): Promise<TestTarget & { asked: string[] }> {
  const asked: string[] = [];
  const target = await rig.target((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.statusCode = paths.includes(request.url ?? '') ? 200 : 404;
    response.setHeader('X-From', name);
    response.end(response.statusCode === 200 ? name : `no ${name}${'.'.repeat(padding)}`);
  });
  return { ...target, asked };
}

/** All weight on revision 1; revision 2 is at hand. */
function entry(
  one: { address: string },
  two: { address: string } | null,
  proxy: RouteEntry['proxy'] = {},
): RouteEntry {
  return {
    routes: [{ path: '/' }],
    split: { 1: 100 },
    roles: { stable: 1, candidate: null },
    targets: [
      { revision: 1, address: one.address },
      ...(two === null ? [] : [{ revision: 2, address: two.address }]),
    ],
    proxy: { assets: ['/assets/*', '*.js'], ...proxy },
  };
}

describe('a 404 at the path of an asset', () => {
  it('is asked of the other revision, whose answer is given', async () => {
    const [one, two] = [await having('one', []), await having('two', ['/assets/a', '/b.js?v=2'])];
    const port = await rig.serve({ web: entry(one, two, { affinity: { cookie: 'at', ttl: '1h' } }) });
    const found = await ask(port, { path: '/assets/a' });
    expect(found).toMatchObject({ status: 200, body: 'two', headers: { 'x-from': 'two' } });
    expect(found.headers['set-cookie']).toBeUndefined();
    expect(await ask(port, { path: '/b.js?v=2' })).toMatchObject({ status: 200, body: 'two' });
    expect(await ask(port, { method: 'HEAD', path: '/assets/a' })).toMatchObject({ status: 200, body: '' });
    expect(one.asked).toEqual(['GET /assets/a', 'GET /b.js?v=2', 'HEAD /assets/a']);
    const stats = await web();
    expect(stats?.retries).toBe(3);
    expect(stats?.revisions.map(({ requests }) => requests[0]?.codes)).toEqual([
      [0, 0, 0, 0, 0],
      [0, 3, 0, 0, 0],
    ]);
    expect(stats?.revisions.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it.each([0, 10, 100_000, 2_000_000])(
    'is the first one when neither has it, with %d bytes',
    async (padding) => {
      const [one, two] = [await having('one', [], padding), await having('two', [], padding)];
      const port = await rig.serve({ web: entry(one, two, { affinity: { cookie: 'at', ttl: '1h' } }) });
      for (let count = 0; count < 3; count += 1) {
        const answer = await ask(port, { path: '/assets/x' });
        expect(answer).toMatchObject({ status: 404, headers: { 'x-from': 'one' } });
        expect(answer.body).toBe(`no one${'.'.repeat(padding)}`);
        expect(answer.headers['set-cookie']?.[0]).toContain('at=1;');
      }
      expect(two.asked.length).toBe(3);
      expect(
        (await web())?.revisions.map(({ requests, inFlight }) => [requests[0]?.codes[3], inFlight]),
      ).toEqual([
        [3, 0],
        [0, 0],
      ]);
    },
  );

  it('costs no connection where it is small', async () => {
    const [one, two] = [await having('one', []), await having('two', [])];
    const port = await rig.serve({ web: entry(one, two) });
    for (let count = 0; count < 5; count += 1) await ask(port, { path: '/assets/x' });
    expect([one.sockets.size, two.sockets.size]).toEqual([1, 1]);
  });

  it('of any length leaves no connection behind that nobody reads', async () => {
    const [one, two] = [await having('one', [], 5_000_000), await having('two', ['/assets/a'])];
    const port = await rig.serve({ web: entry(one, two) });
    for (let count = 0; count < 5; count += 1)
      expect(await ask(port, { path: '/assets/a' })).toMatchObject({ status: 200, body: 'two' });
    await until(() => one.sockets.size === 0, 'its connections are closed');
  });

  it('is not read while the other one takes its time', async () => {
    let answer: (() => void) | null = null;
    let isTold = false;
    const one = await rig.target((_request, response) => {
      response.writeHead(404).end(Buffer.alloc(50_000_000));
      response.once('finish', () => {
        isTold = true;
      });
    });
    const two = await rig.target((_request, response) => {
      answer = () => response.end('two');
    });
    const port = await rig.serve({ web: entry(one, two) });
    const asking = ask(port, { path: '/assets/a' });
    await until(() => answer !== null, 'the other one is asked');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isTold).toBe(false);
    (answer as (() => void) | null)?.();
    expect(await asking).toMatchObject({ status: 200, body: 'two' });
  });

  it.each([
    ['at another path', { path: '/page' }],
    ['of another method', { path: '/assets/a', method: 'POST', body: 'x' }],
  ])('is the answer %s', async (_name, question) => {
    const [one, two] = [await having('one', []), await having('two', ['/page', '/assets/a'])];
    const port = await rig.serve({ web: entry(one, two) });
    expect(await ask(port, question)).toMatchObject({ status: 404, body: 'no one' });
    expect(two.asked).toEqual([]);
  });

  it('is the answer where there is no other revision, and where the retries are spent', async () => {
    const [one, two] = [await having('one', []), await having('two', ['/assets/a'])];
    const port = await rig.serve({ web: entry(one, null) });
    expect(await ask(port, { path: '/assets/a' })).toMatchObject({ status: 404, body: 'no one' });
    const services = { web: entry(one, two, { retry_budget: 0 }) };
    await rig.proxy?.sink.apply({ version: 2, services });
    const statuses: number[] = [];
    for (let count = 0; count < 40; count += 1)
      statuses.push((await ask(port, { path: '/assets/a' })).status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThan(40);
    expect(new Set(statuses)).toEqual(new Set([200, 404]));
  });

  it('is the answer where the other revision does not answer', async () => {
    const one = await having('one', []);
    const two = { address: await rawTarget(rig, (_text, _write, end) => end()) };
    const port = await rig.serve({ web: entry(one, two) });
    expect(await ask(port, { path: '/assets/a' })).toMatchObject({ status: 404, body: 'no one' });
    expect((await web())?.revisions[1]?.errors.reset).toBe(1);
  });

  it('reaches a client that keeps its connection, one answer after the other', async () => {
    const [one, two] = [await having('one', ['/']), await having('two', ['/assets/a'])];
    const port = await rig.serve({ web: entry(one, two) });
    const lines = ['/assets/a', '/assets/x', '/'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n`);
    const said = await talk(port, `${lines.join('\r\n')}Connection: close\r\n\r\n`);
    expect([...said.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404', '200']);
  });
});
