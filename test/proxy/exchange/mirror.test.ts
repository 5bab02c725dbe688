// Copies of requests for a candidate: which ones, and that nobody feels them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { MOST_MIRRORS } from '../../../proxy/table/mirroring.ts';
import { openBlackHole } from '../black-hole.ts';
import { ask, Rig, type TestTarget, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const web = async () => (await rig.proxy?.stats())?.services.web;

interface Candidate extends TestTarget {
  readonly asked: IncomingMessage[];
  readonly answers: ServerResponse[];
}

/** Answers at once, with this, or when it is told. */
async function candidate(answer: ((response: ServerResponse) => void) | null): Promise<Candidate> {
  const asked: IncomingMessage[] = [];
  const answers: ServerResponse[] = [];
  const target = await rig.target((request, response) => {
    asked.push(request);
    answers.push(response);
    answer?.(response);
  });
  return { ...target, asked, answers };
}

function entry(
  old: { address: string },
  young: { address: string },
  percent: number,
  more: Partial<RouteEntry> = {},
) {
  return {
    routes: [{ path: '/' }],
    split: { 3: 100 },
    roles: { stable: 3, candidate: 4 },
    targets: [
      { revision: 3, address: old.address },
      { revision: 4, address: young.address },
    ],
    mirror: { revision: 4, percent },
    ...more,
  } satisfies RouteEntry;
}

describe('a mirrored request', () => {
  it('goes to both, marked, and only the one answer is seen', async () => {
    let ids: (string | undefined)[] = [];
    const old = await rig.target((request, response) => {
      ids = [...ids, String(request.headers['x-request-id']), String(request.headers['x-slipway-mirror'])];
      response.end('old');
    });
    const young = await candidate((response) => response.writeHead(500).end('new'));
    const port = await rig.serve({ web: entry(old, young, 100) });
    const headers = { accept: 'x/y', 'x-slipway-mirror': '1' };
    expect(await ask(port, { path: '/a?b=c', headers })).toMatchObject({ status: 200, body: 'old' });
    await until(async () => (await web())?.mirror.codes[4] === 1, 'the copy is answered');
    expect(young.asked[0]).toMatchObject({ method: 'GET', url: '/a?b=c' });
    expect(young.asked[0]?.headers).toMatchObject({ accept: 'x/y', 'x-slipway-mirror': '1' });
    expect(ids).toEqual([young.asked[0]?.headers['x-request-id'], 'undefined']);
    const stats = await web();
    expect(stats?.revisions.map(({ requests, inFlight }) => [requests[0]?.codes, inFlight])).toEqual([
      [[0, 1, 0, 0, 0], 0],
      [[0, 0, 0, 0, 0], 0],
    ]);
    expect([stats?.retries, stats?.mirror]).toEqual([0, { codes: [0, 0, 0, 0, 1], failed: 0, skipped: 0 }]);
  });

  it.each([
    [25, 10],
    [100, 40],
    [1, 0],
  ])('is one of so many: %d percent of 40', async (percent, count) => {
    const young = await candidate((response) => response.end());
    const port = await rig.serve({ web: entry(await rig.named('old'), young, percent) });
    for (let asked = 0; asked < 40; asked += 1) await ask(port);
    await until(async () => (await web())?.mirror.codes[1] === count, 'all copies are answered');
    expect(young.asked.length).toBe(count);
  });

  it.each([
    ['GET', undefined, 1],
    ['HEAD', undefined, 1],
    ['OPTIONS', undefined, 1],
    ['POST', undefined, 0],
    ['DELETE', undefined, 0],
    ['GET', 'body', 0],
  ])('is a safe one without a body: %s %s', async (method, body, count) => {
    const young = await candidate((response) => response.end());
    const old = await rig.named('old');
    const port = await rig.serve({ web: entry(old, young, 100) });
    await ask(port, { path: '/one', method, ...(body === undefined ? {} : { body }) });
    await ask(port, { path: '/two' });
    await until(() => young.asked.some(({ url }) => url === '/two'), 'the second copy has come');
    expect(young.asked.filter(({ url }) => url === '/one').length).toBe(count);
  });

  it('is sent once, however often the request is tried', async () => {
    const young = await candidate((response) => response.end());
    const [dead, well] = [await rig.named('dead'), await rig.named('well')];
    await new Promise((resolve) => dead.server.close(resolve));
    const table = entry(dead, young, 100);
    const targets = [...table.targets, { revision: 3, address: well.address }];
    const port = await rig.serve({ web: { ...table, targets } });
    expect((await ask(port)).body).toBe('well');
    expect((await web())?.retries).toBe(1);
    await until(async () => (await web())?.mirror.codes[1] === 1, 'the copy is answered');
    expect(young.asked.length).toBe(1);
  });

  it('is none that the candidate answers itself', async () => {
    const young = await candidate((response) => response.end('new'));
    const split = { 3: 50, 4: 50 };
    const port = await rig.serve({ web: entry(await rig.named('old'), young, 100, { split }) });
    for (let asked = 0; asked < 10; asked += 1) await ask(port);
    await until(async () => (await web())?.mirror.codes[1] === 5, 'the copies are answered');
    expect(young.asked.length).toBe(10);
  });
});

describe('a candidate that is mirrored to', () => {
  it('may take its time: no answer waits, and what would be too many is left out', async () => {
    const young = await candidate(null);
    const port = await rig.serve({ web: entry(await rig.named('old'), young, 100) });
    const all = Array.from({ length: MOST_MIRRORS + 10 }, () => ask(port));
    expect((await Promise.all(all)).every(({ body }) => body === 'old')).toBe(true);
    expect((await web())?.mirror.skipped).toBe(10);
    expect((await web())?.revisions[1]?.inFlight).toBe(0);
    await until(() => young.answers.length === MOST_MIRRORS, 'all have come');
    for (const response of young.answers.splice(0)) response.end();
    await until(async () => (await web())?.mirror.codes[1] === MOST_MIRRORS, 'all are answered');
    await ask(port);
    await until(() => young.answers.length === 1, 'there is room again');
  });

  it('is busy until the copies have ended, so that it is not stopped under them', async () => {
    const young = await candidate(null);
    const old = await rig.named('old');
    const port = await rig.serve({ web: entry(old, young, 100) });
    await ask(port);
    await until(() => young.answers.length === 1, 'the copy has come');
    const { sink } = rig.proxy ?? {};
    const alone = { ...entry(old, young, 100), targets: [{ revision: 3, address: old.address }] };
    expect((await sink?.apply({ version: 2, services: { web: { ...alone, mirror: null } } }))?.busy).toEqual({
      [`4@${young.address}`]: 1,
    });
    young.answers[0]?.end();
    await until(() => Object.keys(sink?.acknowledgement().busy ?? { a: 1 }).length === 0, 'it is free');
  });

  it.each(['takes no connection', 'breaks them off', 'is gone'])('and %s harms nobody', async (how) => {
    const dead = await rig.target((request) => request.socket.destroy());
    const hole = how === 'is gone' ? await openBlackHole() : null;
    if (hole !== null) rig.onClose(() => hole.close());
    if (how === 'takes no connection') await new Promise((resolve) => dead.server.close(resolve));
    const proxy = { timeout: '200ms', ejection: { errors: 1, time: '1h' } };
    const port = await rig.serve({ web: entry(await rig.named('old'), hole ?? dead, 100, { proxy }) });
    for (let asked = 0; asked < 5; asked += 1) expect((await ask(port)).body).toBe('old');
    await until(async () => (await web())?.mirror.failed === 5, 'the copies have failed');
    const errors = Object.values((await web())?.revisions[1]?.errors ?? {});
    expect(errors.every((count) => count === 0)).toBe(true);
    expect((await web())?.ejected).toBe(0);
  });

  it('and never ends its answer is left after the time of an answer', async () => {
    const young = await candidate((response) => response.writeHead(200).write('more and more'));
    const proxy = { timeout: '200ms' };
    const port = await rig.serve({ web: entry(await rig.named('old'), young, 100, { proxy }) });
    await ask(port);
    await until(async () => (await web())?.mirror.codes[1] === 1, 'it counts as answered');
    await until(() => young.sockets.size === 0, 'its connection is closed');
  });

  it('without a target there is a failure, and no more', async () => {
    const old = await rig.named('old');
    const targets = [{ revision: 3, address: old.address }];
    const port = await rig.serve({ web: entry(old, old, 100, { targets }) });
    expect((await ask(port)).body).toBe('old');
    expect((await web())?.mirror.failed).toBe(1);
  });
});
