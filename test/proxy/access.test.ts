// What the access log tells of a request: how it ended, for whom, and where; always of what went wrong, and never a query.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessRecord, ProxyOptions } from '../../proxy/server.ts';
import { issueForHosts } from '../support/certificates.ts';
import { rawEntry, rawTarget } from './raw-target.ts';
import { ask, entryOf, LOOPBACK, talk, until } from './rig.ts';
import { SecureRig } from './secure-rig.ts';

let rig: SecureRig;
let records: AccessRecord[];
beforeEach(() => {
  rig = new SecureRig();
  records = [];
});
afterEach(() => rig.close());

const LOGGED: Partial<ProxyOptions> = { accessShare: 1, onAccess: (record) => void records.push(record) };
const one = async (): Promise<AccessRecord | undefined> => {
  await until(() => records.length > 0, 'it is told');
  expect(records).toHaveLength(1);
  return records[0];
};

describe('a request', () => {
  it('that was answered is told with all that is known of it', async () => {
    const target = await rig.target((_request, response) => response.writeHead(201).end('x'.repeat(5_000)));
    const before = Date.now();
    const port = await rig.serve({ web: entryOf([target]) }, LOGGED);
    const { headers } = await ask(port, {
      ...{ method: 'POST', path: '/a/b?token=secret', body: 'hello' },
      headers: { Host: 'Shop.test:80' },
    });
    const record = await one();
    expect(record).toEqual({
      ...{ time: expect.any(Number), requestId: headers['x-request-id'], client: '127.0.0.1' },
      ...{ method: 'POST', host: 'shop.test', path: '/a/b', status: 201, bytes: expect.any(Number) },
      ...{ seconds: expect.any(Number), service: 'web', revision: 1, target: target.address },
      ...{ retries: 0, outcome: 'answered' },
    });
    expect(record?.time).toBeGreaterThanOrEqual(before);
    expect(record?.seconds).toBeGreaterThan(0);
    expect(record?.bytes).toBeGreaterThan(5_000);
    expect(record?.bytes).toBeLessThan(5_500);
    expect(JSON.stringify(records)).not.toContain('secret');
  });

  it('behind another one of its connection is told by its own bytes', async () => {
    const target = await rig.target((incoming, response) =>
      response.end('x'.repeat(Number(incoming.url?.slice(1)))),
    );
    const port = await rig.serve({ web: entryOf([target]) }, LOGGED);
    const get = (size: number, more = '') => `GET /${size} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    await talk(port, get(9_000) + get(10) + get(4_000, 'Connection: close\r\n'));
    const bodies = records.map(({ path, bytes }) => bytes - Number(path.slice(1)));
    expect(bodies).toHaveLength(3);
    for (const head of bodies) expect(head > 50 && head < 400, `${head}`).toBe(true);
  });

  it('over TLS is told by what it was given, not by what that became', async () => {
    await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test'] });
    const target = await rig.target((_request, response) => response.end('x'.repeat(5_000)));
    await rig.serveBoth({ web: entryOf([target]) }, LOGGED);
    await rig.ask({ host: 'shop.test' });
    const record = await one();
    expect(record).toMatchObject({ client: '127.0.0.1', host: 'shop.test', outcome: 'answered' });
    expect(Math.abs((record?.bytes ?? 0) - 5_200)).toBeLessThan(200);
  });

  it.each([
    ['no service is for', { Host: 'nowhere.test' }, '/a?b', { status: 404, outcome: 'no-route', path: '/a' }],
    [
      'that is not valid',
      { Host: 'a/b' },
      '/a?b',
      { status: 400, outcome: 'bad-host', host: '', path: '/a' },
    ],
  ])('%s is told without one', async (_name, headers, path, expected) => {
    const target = await rig.named('a');
    const port = await rig.serve({ web: entryOf([target], { routes: [{ host: 'shop.test' }] }) }, LOGGED);
    const answer = await ask(port, { headers, path });
    const record = await one();
    expect(record).toMatchObject({ service: null, revision: null, target: null, ...expected });
    expect(record?.requestId).toBe(answer.headers['x-request-id']);
    expect(record?.bytes).toBeGreaterThan(200);
  });

  it('that no replica could take is told with the answer of the proxy', async () => {
    const port = await rig.serve({ web: entryOf([]) }, LOGGED);
    await ask(port);
    expect(await one()).toMatchObject({ status: 503, outcome: 'no-target', service: 'web', target: null });
  });

  it('that was tried again says how often, and the last target', async () => {
    const dead = await rawTarget(rig, (_text, _write, end) => end());
    const well = await rig.named('well');
    const entry = entryOf([], { targets: [dead, well.address].map((address) => ({ revision: 1, address })) });
    const port = await rig.serve({ web: entry }, LOGGED);
    await ask(port);
    await ask(port);
    await until(() => records.length === 2, 'both are told');
    expect(records.map(({ target }) => target)).toEqual([well.address, well.address]);
    expect(records.map(({ retries }) => retries).toSorted()).toEqual([0, 1]);
  });

  it('whose target dies in mid-answer is cut', async () => {
    const address = await rawTarget(rig, (_text, write, end) => {
      write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      setTimeout(end, 20);
    });
    const port = await rig.serve({ web: rawEntry(address) }, { ...LOGGED, accessShare: 0 });
    await expect(ask(port)).rejects.toThrow();
    expect(await one()).toMatchObject({ status: 200, outcome: 'cut', target: address });
  });

  it('whose client leaves is told so', async () => {
    const target = await rig.target(() => undefined);
    const port = await rig.serve({ web: entryOf([target]) }, LOGGED);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(target.server, 'request');
    socket.destroy();
    expect(await one()).toMatchObject({ status: 499, outcome: 'client-gone', bytes: 0, revision: 1 });
  });

  it('that went over to another protocol is told when that has ended, with all its bytes', async () => {
    const target = await rig.target(() => undefined);
    target.server.on('upgrade', (_incoming, socket) => {
      socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      socket.once('data', () => socket.end('y'.repeat(3_000)));
    });
    const port = await rig.serve({ web: entryOf([target]) }, LOGGED);
    const upgrade = 'GET /t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    await talk(port, upgrade, 'more');
    const record = await one();
    expect(record).toMatchObject({ status: 101, outcome: 'answered', path: '/t' });
    expect(record?.bytes).toBeGreaterThan(3_000);
  });

  it('with a path without an end is told with the beginning of it', async () => {
    const port = await rig.serve({ web: entryOf([await rig.named('a')]) }, LOGGED);
    await ask(port, { path: `/${'a'.repeat(20_000)}` });
    expect((await one())?.path).toHaveLength(1_024);
  });
});

describe('the client of a request', () => {
  it.each([
    ['nobody is believed', [], '6.6.6.6', '127.0.0.1'],
    ['a trusted peer is believed', [LOOPBACK], '6.6.6.6', '6.6.6.6'],
    ['the last that is not trusted counts', [LOOPBACK], '6.6.6.6, 7.7.7.7, 127.9.9.9', '7.7.7.7'],
    ['all are trusted: the first', [LOOPBACK], '127.0.0.8, 127.0.0.9', '127.0.0.8'],
    ['what is no address is told as it is, not all of it', [LOOPBACK], 'x'.repeat(99), 'x'.repeat(64)],
    ['nothing was said', [LOOPBACK], '', '127.0.0.1'],
  ])('%s', async (_name, trusted, said, client) => {
    const port = await rig.serve({ web: entryOf([await rig.named('a')]) }, { ...LOGGED, trusted });
    await ask(port, { headers: said === '' ? {} : { 'X-Forwarded-For': said } });
    expect((await one())?.client).toBe(client);
  });
});

describe('a sample', () => {
  it('of none still tells what the proxy could not do, and nothing else', async () => {
    const well = await rig.target((_request, response) => response.writeHead(500).end());
    const services = {
      well: entryOf([well], { routes: [{ host: 'well.test' }] }),
      ill: entryOf([], { routes: [{ host: 'ill.test' }] }),
    };
    const port = await rig.serve(services, { ...LOGGED, accessShare: 0 });
    for (const Host of ['well.test', 'nowhere.test', 'ill.test']) await ask(port, { headers: { Host } });
    expect((await one())?.outcome).toBe('no-target');
  });

  it('of a tenth is about a tenth', async () => {
    const port = await rig.serve({ web: entryOf([await rig.named('a')]) }, { ...LOGGED, accessShare: 0.1 });
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    await talk(port, request.repeat(999) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(records.length).toBeGreaterThan(40);
    expect(records.length).toBeLessThan(200);
  });
});

describe('several workers', () => {
  it('tell what each has served, also at their end', async () => {
    const port = await rig.serve({ web: entryOf([await rig.named('a')]) }, { ...LOGGED, workers: 2 });
    for (let count = 0; count < 40; count += 1) await ask(port, { path: `/${count}` });
    await until(() => records.length === 40, 'all are told');
    await ask(port, { path: '/last' });
    await rig.proxy?.stop(0);
    expect(new Set(records.map(({ path }) => path)).size).toBe(41);
  });
});

it('nobody is told anything where nobody asks', async () => {
  const onAccess = LOGGED.onAccess ?? (() => undefined);
  await ask(await rig.serve({ web: entryOf([await rig.named('a')]) }, { onAccess }));
  await ask(rig.port, { headers: { Host: 'a/b' } });
  expect(records).toEqual([]);
});
