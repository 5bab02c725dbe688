// `slipway proxy --table`: what a table may ask for, in one story with two processes of a proxy and targets that come
// and go, told by its answers and its metrics.

import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../proxy/control.ts';
import { readValue } from '../src/telemetry/exposition.ts';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { visit } from '../support/visitor.ts';
import { waitFor } from '../support/wait.ts';

let place: ProxyPlace;
const servers: Server[] = [];
beforeEach(() => {
  place = new ProxyPlace();
});
afterEach(async () => {
  await place.stop();
  for (const server of servers.splice(0)) server.close();
});

/** Answers with its name, and has one asset of that name. */
async function listen(
  name: string,
  port = 0,
): Promise<{ readonly port: number; readonly copies: () => number }> {
  let copies = 0;
  const server = createServer((request, response) => {
    if (request.headers['x-slipway-mirror'] === '1') copies += 1;
    const isAsset = request.url?.startsWith('/assets/') === true;
    response.statusCode = isAsset && request.url !== `/assets/${name}` ? 404 : 200;
    response.setHeader('x-version', name);
    response.end();
  }).listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  servers.push(server);
  return { port: (server.address() as AddressInfo).port, copies: () => copies };
}

let version = 1;
function write(entry: Omit<RouteEntry, 'routes'>): void {
  version += 1;
  const web = { routes: [{ host: HOST, path: '/' }], ...entry };
  writeFileSync(place.table, JSON.stringify({ version, services: { web } }));
}

const ask = (path = '/', headers = {}) => visit({ port: place.port, host: HOST }, headers, path);
async function read(name: string, labels = {}): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${place.adminPort}/metrics`);
  return readValue(await answer.text(), name, { service: 'web', ...labels }) ?? -1;
}

describe('a table in a file', () => {
  it('has a target that takes no connections left out, and back, with two workers', async () => {
    await place.start('--workers', '2');
    const [well, gone] = [await listen('well'), await listen('gone')];
    servers.pop()?.close();
    const address = (port: number) => ({ revision: 1, address: `127.0.0.1:${port}` });
    const proxy = { ejection: { errors: 2, time: '1s' } };
    write({ split: { 1: 100 }, targets: [address(well.port), address(gone.port)], proxy });
    await waitFor('the table', async () => (await ask()).version === 'well');
    const answers = new Set<string | null>();
    await waitFor('it to be left out', async () => {
      answers.add((await ask()).version);
      return (await read('slipway_proxy_ejected')) === 1;
    });
    expect([...answers]).toEqual(['well']);
    await listen('back', gone.port);
    await waitFor('it to be back', async () => (await read('slipway_proxy_ejected')) === 0);
    await waitFor('it to serve', async () => (await ask()).version === 'back');
  });

  it('has testers, copies, assets and maintenance', async () => {
    await place.start();
    const [old, young] = [await listen('old'), await listen('young')];
    const targets = [
      { revision: 3, address: `127.0.0.1:${old.port}` },
      { revision: 4, address: `127.0.0.1:${young.port}` },
    ];
    const match = { revision: 4, cookie: { name: 'beta', value: '1' } };
    const table = { split: { 3: 100 }, roles: { stable: 3, candidate: 4 }, targets };
    write({ ...table, match, mirror: { revision: 4, percent: 100 }, proxy: { assets: ['/assets/*'] } });
    await waitFor('the table', async () => (await ask()).version === 'old');
    expect((await ask('/', { cookie: 'beta=1' })).version).toBe('young');
    await waitFor('a copy', () => young.copies() > 0);
    expect(old.copies()).toBe(0);
    const copies = { code: '2xx' };
    await waitFor('it to be counted', async () => (await read('slipway_proxy_mirrored_total', copies)) > 0);
    expect(await ask('/assets/young')).toMatchObject({ status: 200, version: 'young' });
    expect(await ask('/assets/nobody')).toMatchObject({ status: 404, version: 'old' });
    write({ ...table, proxy: { maintenance: { message: '<h1>Soon</h1>', allow: ['/up'] } } });
    await waitFor('the service to be closed', async () => (await ask()).status === 503);
    expect(await ask('/up')).toMatchObject({ status: 200, version: 'old' });
    write(table);
    await waitFor(
      'the service to be open',
      async () => (await ask('/', { cookie: 'beta=1' })).version === 'old',
    );
  });
});
