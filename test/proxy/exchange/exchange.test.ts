import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { openBlackHole } from '../black-hole.ts';
import { deadAddress, rawTarget } from '../raw-target.ts';
import { ask, entryOf, Rig, splitOf, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** A port on which nothing listens. */
/** Serves each connection's n-th request by `answers[n]`: bytes, or null for a reset. */
async function scripted(
  answers: readonly (string | null)[],
): Promise<{ address: string; asked: () => number }> {
  let asked = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    let turn = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      asked += 1;
      const answer = answers[Math.min(turn, answers.length - 1)] ?? null;
      turn += 1;
      if (answer === null) socket.resetAndDestroy();
      else socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, asked: () => asked };
}

function addresses(list: readonly string[], more: Partial<RouteEntry> = {}): RouteEntry {
  return entryOf([], { targets: list.map((address) => ({ revision: 1, address })), ...more });
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a target that takes no connection', () => {
  it('costs no retry: another one serves, whatever the method and the body', async () => {
    const well = await rig.named('well');
    const dead = [await deadAddress(), await deadAddress(), await deadAddress()];
    const port = await rig.serve({ web: addresses([...dead, well.address], { proxy: { retries: 0 } }) });
    expect(await ask(port, { method: 'POST', body: 'x' })).toMatchObject({ status: 200, body: 'well' });
    const web = (await rig.proxy?.stats())?.services.web;
    expect(web?.revisions[0]?.errors['connect-refused']).toBe(3);
    expect(web?.retries).toBe(3);
  });

  it('is set aside with its revision: the others take its share', async () => {
    const well = await rig.named('well');
    const dead = { ...well, address: await deadAddress() };
    const entry = splitOf([
      { revision: 1, weight: 10, target: well },
      { revision: 2, weight: 90, target: dead },
    ]);
    const port = await rig.serve({ web: entry });
    for (let count = 0; count < 10; count += 1) expect((await ask(port)).body).toBe('well');
  });

  it('lets the request wait until it is back', async () => {
    const address = await deadAddress();
    const port = await rig.serve({ web: addresses([address]) });
    const asking = ask(port, { method: 'POST', body: 'kept' });
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 1, 'the request is parked');
    const server = createServer((socket) =>
      socket.on('data', (bytes) => String(bytes).includes('kept') && socket.end(OK)),
    );
    server.listen(Number(address.split(':')[1]), '127.0.0.1');
    rig.onClose(async () => {
      server.close();
    });
    expect((await asking).status).toBe(200);
  });

  it('is tried by one of those who wait for it at a time, and serves all of them when it is back', async () => {
    const address = await deadAddress();
    const port = await rig.serve({ web: addresses([address]) });
    const refused = async (): Promise<number> =>
      (await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['connect-refused'] ?? 0;
    const asking = Array.from({ length: 100 }, () => ask(port));
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 100, 'all are parked');
    await until(async () => (await refused()) >= 103, 'it was tried again');
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Each has tried for itself when it came.
    expect(await refused()).toBeLessThan(150);
    const server = createServer((socket) => socket.on('data', () => socket.write(OK)));
    server.listen(Number(address.split(':')[1]), '127.0.0.1');
    rig.onClose(async () => {
      server.close();
    });
    expect(new Set((await Promise.all(asking)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('because it is gone is left after a second', async () => {
    const hole = await openBlackHole();
    rig.onClose(() => hole.close());
    const well = await rig.named('well');
    const port = await rig.serve({ web: addresses([hole.address, well.address]) });
    expect((await ask(port, { method: 'POST', body: 'x' })).body).toBe('well');
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['connect-timeout']).toBe(1);
  });

  it('is 502 in the end', async () => {
    const port = await rig.serve({
      web: addresses([await deadAddress()], { proxy: { park: { timeout: '200ms' } } }),
    });
    expect((await ask(port)).status).toBe(502);
  });

  it('and that swallows the connection keeps no request once it has left the table', async () => {
    const hole = await openBlackHole();
    rig.onClose(() => hole.close());
    const well = await rig.named('well');
    const { sink } = await rig.start();
    await sink.apply({ version: 1, services: { web: addresses([hole.address]) } });
    const asking = ask(rig.port, { method: 'POST', body: 'x' });
    await until(
      async () => (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight === 1,
      'it connects',
    );
    const answer = await sink.apply({ version: 2, services: { web: entryOf([well]) } });
    expect(answer.applied).toBe(2);
    expect(await asking).toMatchObject({ status: 200, body: 'well' });
    // Sent on by the change of the table, not by the time-out of its connection.
    expect((await rig.proxy?.stats())?.services.web?.revisions[0]?.errors['connect-timeout']).toBe(0);
    await until(() => Object.keys(sink.acknowledgement().busy).length === 0, 'the retired target is idle');
  });
});

describe('a target that resets after the request was sent', () => {
  it('is followed by another try when the method is safe', async () => {
    const bad = await scripted([null]);
    const well = await rig.named('well');
    const port = await rig.serve({ web: addresses([bad.address, well.address], { proxy: { retries: 1 } }) });
    for (let count = 0; count < 4; count += 1) expect((await ask(port)).body).toBe('well');
    expect(bad.asked()).toBe(1);
  });

  it.each([
    { method: 'POST', body: 'x' },
    { method: 'POST', body: undefined },
    { method: 'PATCH', body: 'x' },
    { method: 'PUT', body: 'x' },
    { method: 'PUT', body: undefined },
    { method: 'DELETE', body: undefined },
    { method: 'GET', body: 'x' },
  ])('is 502, asked once, for $method with body $body', async ({ method, body }) => {
    const bad = await scripted([null]);
    const port = await rig.serve({ web: addresses([bad.address, bad.address], { proxy: { retries: 5 } }) });
    expect((await ask(port, { method, ...(body === undefined ? {} : { body }) })).status).toBe(502);
    expect(bad.asked()).toBe(1);
  });

  it.each([
    ['half a head', 'HTTP/1.1 200 O'],
    ['early hints', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('is 502, asked once, when %s had come back', async (_name, text) => {
    let asked = 0;
    const address = await rawTarget(rig, (_text, write, end) => {
      asked += 1;
      write(text);
      setTimeout(end, 50);
    });
    const port = await rig.serve({ web: addresses([address, address], { proxy: { retries: 5 } }) });
    expect((await ask(port)).status).toBe(502);
    expect(asked).toBe(1);
  });

  it('is tried no more often than `retries` says', async () => {
    const bad = await scripted([null]);
    const port = await rig.serve({ web: addresses([bad.address], { proxy: { retries: 2 } }) });
    expect((await ask(port)).status).toBe(502);
    expect(bad.asked()).toBe(3);
  });

  it('on a connection that had been idle costs no retry when the method is safe', async () => {
    const target = await scripted([OK, null]);
    const port = await rig.serve({ web: addresses([target.address], { proxy: { retries: 0 } }) });
    for (let count = 0; count < 6; count += 1) expect((await ask(port)).status).toBe(200);
  });
});

describe('while no replica is ready', () => {
  it('and one is coming, requests wait with their bodies unread, and go on in their order', async () => {
    const seen: string[] = [];
    const target = await rig.target((incoming, response) => {
      seen.push(incoming.url ?? '');
      incoming.resume().once('end', () => response.end('served'));
    });
    const { sink } = await rig.start();
    const none = entryOf([], { split: {}, coming: true });
    await sink.apply({ version: 1, services: { web: none } });
    const asking: Promise<{ status: number }>[] = [];
    for (let count = 0; count < 5; count += 1) {
      asking.push(ask(rig.port, { method: 'POST', path: `/${count}`, body: 'x' }));
      await until(async () => (await rig.proxy?.stats())?.services.web?.parked === count + 1, 'it is parked');
    }
    await sink.apply({ version: 2, services: { web: none } });
    expect(seen).toEqual([]);
    await sink.apply({ version: 3, services: { web: entryOf([target]) } });
    expect((await Promise.all(asking)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(seen).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  it('no more of them wait than the table allows, and no longer', async () => {
    const park = { timeout: '300ms', max_requests: 2 };
    const port = await rig.serve({ web: entryOf([], { split: {}, coming: true, proxy: { park } }) });
    const asking = [ask(port), ask(port), ask(port)];
    const answers = await Promise.all(asking);
    const codes = answers.map(({ body }) => /\((.*?),/.exec(body)?.[1]).sort();
    expect(codes).toEqual(['park-full', 'park-timeout', 'park-timeout']);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(answers[0]?.headers['retry-after']).toBe('1');
  });

  it('and none is coming, the answer is 503 at once', async () => {
    const port = await rig.serve({ web: entryOf([], { split: {} }) });
    expect(await ask(port)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });

  it('a client that leaves makes room', async () => {
    const port = await rig.serve({ web: entryOf([], { split: {}, coming: true }) });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 1, 'it is parked');
    socket.destroy();
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 0, 'it has left');
  });

  it('requests of a service that is removed find no route', async () => {
    const port = await rig.serve({ web: entryOf([], { split: {}, coming: true }) });
    const asking = ask(port);
    await until(async () => (await rig.proxy?.stats())?.services.web?.parked === 1, 'it is parked');
    await rig.proxy?.sink.apply({ version: 2, services: {} });
    expect((await asking).status).toBe(404);
  });
});

describe('which revision serves', () => {
  it('is decided per request, not per connection', async () => {
    const entry = splitOf([
      { revision: 3, weight: 75, target: await rig.named('3') },
      { revision: 4, weight: 25, target: await rig.named('4') },
    ]);
    const port = await rig.serve({ web: entry });
    const one = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const received = await talk(
      port,
      one.repeat(7) + one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    const picks = received.match(/\r\n\r\n([34])/g)?.map((text) => text.trim());
    expect(picks).toEqual(['3', '3', '4', '3', '3', '3', '4', '3']);
  });

  it('sticks by cookie while that revision has weight and a target', async () => {
    const three = await rig.named('3');
    const four = await rig.named('4');
    const proxy = { affinity: { cookie: 'v', ttl: '1h' } };
    const split = (a: number, b: number): RouteEntry =>
      splitOf(
        [
          { revision: 3, weight: a, target: three },
          { revision: 4, weight: b, target: four },
        ],
        { proxy },
      );
    const port = await rig.serve({ web: split(90, 10) });
    const first = await ask(port);
    expect(first.headers['set-cookie']).toEqual(['v=3; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax']);
    for (let count = 0; count < 20; count += 1) {
      const answer = await ask(port, { headers: { cookie: 'a=1; v=4; b=2' } });
      expect(answer.body).toBe('4');
      expect(answer.headers).not.toHaveProperty('set-cookie');
    }
    await rig.proxy?.sink.apply({ version: 2, services: { web: split(100, 0) } });
    const moved = await ask(port, { headers: { cookie: 'v=4' } });
    expect(moved.body).toBe('3');
    expect(moved.headers['set-cookie']?.[0]).toMatch(/^v=3;/);
  });

  it.each([
    { name: 'host', preview: { host: 'new.test' }, yes: { host: 'new.test' }, no: { host: 'shop.test' } },
    {
      name: 'header',
      preview: { header: { name: 'X-Preview', value: 'yes' } },
      yes: { host: 'shop.test', 'x-preview': 'yes' },
      no: { host: 'shop.test', 'x-preview': 'no' },
    },
    {
      name: 'host and header',
      preview: { host: 'shop.test', header: { name: 'X-Preview', value: 'yes' } },
      yes: { host: 'shop.test', 'x-preview': 'yes' },
      no: { host: 'shop.test' },
    },
  ])('is that of a preview for a matching $name, whatever the split', async ({ preview, yes, no }) => {
    const entry = splitOf(
      [
        { revision: 3, weight: 100, target: await rig.named('3') },
        { revision: 4, weight: 0, target: await rig.named('4') },
      ],
      { routes: [{ host: 'shop.test' }], preview: { revision: 4, ...preview } },
    );
    const port = await rig.serve({ web: entry });
    expect((await ask(port, { headers: yes })).body).toBe('4');
    expect((await ask(port, { headers: no })).body).toBe('3');
  });
});

describe('the numbers of a service', () => {
  it('exist from the table on, follow the role, and go with the revision once it is idle', async () => {
    const releases: (() => void)[] = [];
    const slow = await rig.target((_incoming, response) => {
      releases.push(() => response.end('late'));
    });
    const well = await rig.named('well');
    const { sink, stats } = await rig.start();
    const roles = { stable: 1, candidate: 2 };
    await sink.apply({ version: 1, services: { web: entryOf([slow], { roles }) } });
    const before = (await stats()).services.web?.revisions;
    expect(before?.map(({ revision, requests }) => [revision, requests[0]?.role])).toEqual([
      [1, 'stable'],
      [2, 'candidate'],
    ]);
    const asking = ask(rig.port);
    await until(() => releases.length === 1, 'the target is asked');
    const entry = splitOf([{ revision: 2, weight: 100, target: well }], {
      roles: { stable: 2, candidate: null },
    });
    const told: string[] = [];
    sink.onChange(() => told.push(JSON.stringify(sink.acknowledgement().busy)));
    await sink.apply({ version: 2, services: { web: entry } });
    expect(sink.acknowledgement().busy).toEqual({ [`1@${slow.address}`]: 1 });
    await ask(rig.port);
    const during = (await stats()).services.web?.revisions;
    expect(during?.map(({ revision, inFlight }) => [revision, inFlight])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    expect(during?.[1]?.requests.map(({ role, codes }) => [role, codes[1]])).toEqual([
      ['candidate', 0],
      ['stable', 1],
    ]);
    for (const release of releases) release();
    expect((await asking).body).toBe('late');
    await until(
      async () => (await stats()).services.web?.revisions.length === 1,
      'the old revision’s numbers are gone',
    );
    expect(told.at(-1)).toBe('{}');
  });
});
