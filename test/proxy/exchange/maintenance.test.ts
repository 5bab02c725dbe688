// A service under maintenance: what clients are told, and who gets through.
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { ask, entryOf, Rig, talk, until } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

type Maintenance = NonNullable<NonNullable<RouteEntry['proxy']>['maintenance']>;

async function serve(maintenance: Maintenance): Promise<number> {
  const target = await rig.named('served');
  return rig.serve({ web: entryOf([target], { proxy: { maintenance } }) });
}

const PAGE = '<!doctype html><h1>Zurück um 6</h1>';
const html = { accept: 'text/html,*/*;q=0.8' };

describe('a service under maintenance', () => {
  it('answers with 503 and its page for who reads HTML', async () => {
    const port = await serve({ message: PAGE, retry_after: '90s' });
    const answer = await ask(port, { headers: html });
    expect(answer).toMatchObject({ status: 503, body: PAGE });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'retry-after': '90',
      'cache-control': 'no-store',
    });
    expect(await ask(port, { method: 'HEAD', headers: html })).toMatchObject({ status: 503, body: '' });
    const stats = (await rig.proxy?.stats())?.services.web;
    expect([stats?.unserved, stats?.revisions[0]?.requests[0]?.codes]).toEqual([
      [0, 0, 0, 0, 2],
      [0, 0, 0, 0, 0],
    ]);
  });

  it.each([
    ['text, of a page', { message: PAGE }, '*/*', 'text/plain', /^503 .* The service is under maintenance\./],
    ['text, of a text', { message: 'Back at six.' }, '*/*', 'text/plain', /^Back at six\.\n$/],
    ['text, of a text, for a browser', { message: 'Back at six.' }, html.accept, 'text/plain', /^Back/],
    ['text, of nothing', {}, html.accept, 'text/plain', /^503 .*maintenance/],
    ['JSON, of a page', { message: PAGE }, 'application/json', 'application/json', /"The service is under/],
    [
      'JSON, of a text',
      { message: 'Back at six.' },
      'application/json',
      'application/json',
      /"Back at six\."/,
    ],
  ])('tells others in %s', async (_name, maintenance, accept, type, body) => {
    const answer = await ask(await serve(maintenance), { headers: { accept } });
    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toContain(type);
    expect(answer.headers['retry-after']).toBe('60');
    expect(answer.body).toMatch(body);
  });

  it('lets through what is allowed, whatever the query', async () => {
    const port = await serve({ allow: ['/up', '/api/*'] });
    expect((await ask(port, { path: '/up?x=1' })).body).toBe('served');
    expect((await ask(port, { method: 'POST', path: '/api/x', body: 'x' })).body).toBe('served');
    expect((await ask(port, { path: '/' })).status).toBe(503);
    expect((await ask(port, { path: '/up/' })).status).toBe(503);
  });

  it('refuses WebSockets, and a body is not waited for', async () => {
    const port = await serve({});
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    expect(await talk(port, `GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`)).toContain('HTTP/1.1 503');
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\nx';
    expect(await talk(port, text)).toContain('HTTP/1.1 503');
  });

  it('begins and ends with the table, and what is in flight goes on', async () => {
    let release = (): void => undefined;
    let asked = 0;
    const target = await rig.target((_request, response) => {
      asked += 1;
      release = () => response.end('served');
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const asking = ask(port);
    await until(() => asked === 1, 'the request is in flight');
    const closed = entryOf([target], { proxy: { maintenance: {} } });
    await rig.proxy?.sink.apply({ version: 2, services: { web: closed } });
    expect((await ask(port)).status).toBe(503);
    release();
    expect((await asking).body).toBe('served');
    await rig.proxy?.sink.apply({ version: 3, services: { web: entryOf([target]) } });
    const again = ask(port);
    await until(() => asked === 2, 'it is asked again');
    release();
    expect((await again).body).toBe('served');
  });

  it('answers without a target, too', async () => {
    const port = await rig.serve({ web: entryOf([], { proxy: { maintenance: { message: 'later' } } }) });
    expect((await ask(port)).body).toBe('later\n');
  });
});
