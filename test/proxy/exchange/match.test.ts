// Requests that go to a revision whatever the split, as long as that takes connections.
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteEntry } from '../../../proxy/control.ts';
import { deadAddress, rawTarget } from '../raw-target.ts';
import { type Ask, ask, Rig, talk } from '../rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

/** Revision 3 has all the weight; 4 is a candidate that some requests go to. */
async function serve(more: Partial<RouteEntry>, candidate?: string): Promise<number> {
  const [old, young] = [await rig.named('old'), await rig.named('new')];
  return rig.serve({
    web: {
      routes: [{ path: '/' }],
      split: { 3: 100 },
      roles: { stable: 3, candidate: 4 },
      targets: [
        { revision: 3, address: old.address },
        { revision: 4, address: candidate ?? young.address },
      ],
      ...more,
    },
  });
}

async function bodies(port: number, question: Ask, count = 6): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let asked = 0; asked < count; asked += 1) found.add((await ask(port, question)).body);
  return [...found].sort();
}

const cookie = { name: 'beta', value: '1' };
const header = { name: 'X-Beta', value: 'yes' };

describe('a match', () => {
  it.each([
    ['a cookie', { cookie }, { cookie: 'a=b; beta=1; c=d' }, { cookie: 'a=b; beta=10' }],
    ['a cookie among several fields', { cookie }, { cookie: ['a=b', 'beta=1'] }, { cookie: 'xbeta=1' }],
    ['a header', { header }, { 'x-beta': 'yes' }, { 'x-beta': 'no' }],
    ['both', { header, cookie }, { 'x-beta': 'yes', cookie: 'beta=1' }, { 'x-beta': 'yes' }],
  ])('by %s leads to its revision, and nothing else does', async (_name, match, yes, no) => {
    const port = await serve({ match: { revision: 4, ...match } });
    expect(await bodies(port, { headers: yes })).toEqual(['new']);
    expect(await bodies(port, { headers: no })).toEqual(['old']);
    expect(await bodies(port, {})).toEqual(['old']);
  });

  it('by cookie leads to a preview, too', async () => {
    const port = await serve({ preview: { revision: 4, cookie } });
    expect(await bodies(port, { headers: { cookie: 'beta=1' } })).toEqual(['new']);
    expect(await bodies(port, { headers: { cookie: 'beta=2' } })).toEqual(['old']);
  });

  it('leads to the others while its revision takes no connections, or has no target', async () => {
    const match = { revision: 4, cookie };
    const port = await serve({ match }, await deadAddress());
    const headers = { cookie: 'beta=1' };
    expect(await bodies(port, { headers })).toEqual(['old']);
    expect(await bodies(port, { headers, method: 'POST', body: 'x' })).toEqual(['old']);
    const old = await rig.named('old');
    const targets = [{ revision: 3, address: old.address }];
    const entry = { routes: [{ path: '/' }], split: { 3: 100 }, targets, match };
    await rig.proxy?.sink.apply({ version: 2, services: { web: entry } });
    expect(await bodies(port, { headers })).toEqual(['old']);
  });

  it('a preview leads nowhere else', async () => {
    const proxy = { park: { timeout: '100ms' } };
    const port = await serve({ preview: { revision: 4, cookie }, proxy }, await deadAddress());
    expect((await ask(port, { headers: { cookie: 'beta=1' } })).status).toBe(502);
  });

  it('leads a WebSocket there as well', async () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nnew';
    const young = await rawTarget(rig, (text, write, end) => {
      if (!text.endsWith('\r\n\r\n')) return;
      write(head);
      setTimeout(end, 50);
    });
    const port = await serve({ match: { revision: 4, cookie } }, young);
    const ask = (value: string): Promise<string> =>
      talk(
        port,
        `GET / HTTP/1.1\r\nHost: a\r\nCookie: beta=${value}\r\nConnection: Upgrade, close\r\nUpgrade: x\r\n\r\n`,
      );
    expect(await ask('1')).toMatch(/^HTTP\/1\.1 101 [\s\S]*new$/);
    expect(await ask('2')).toMatch(/^HTTP\/1\.1 200 [\s\S]*old/);
  });

  it('leaves the split of the others exact', async () => {
    const port = await serve({ split: { 3: 50, 4: 50 }, match: { revision: 4, cookie } });
    const counts = { old: 0, new: 0 };
    for (let asked = 0; asked < 20; asked += 1) {
      await ask(port, { headers: { cookie: 'beta=1' } });
      const { body } = await ask(port);
      counts[body === 'old' ? 'old' : 'new'] += 1;
    }
    expect(counts).toEqual({ old: 10, new: 10 });
  });

  it('goes before the cookie of affinity, and neither sets nor loses it', async () => {
    const affinity = { cookie: 'at', ttl: '1h' };
    const port = await serve({
      split: { 3: 90, 4: 10 },
      match: { revision: 4, cookie },
      proxy: { affinity },
    });
    const matched = await ask(port, { headers: { cookie: 'at=3; beta=1' } });
    expect([matched.body, matched.headers['set-cookie']]).toEqual(['new', undefined]);
    expect(await bodies(port, { headers: { cookie: 'at=3' } }, 20)).toEqual(['old']);
  });

  it('that found nobody stays where the others are sent', async () => {
    const affinity = { cookie: 'at', ttl: '1h' };
    const port = await serve({ match: { revision: 4, cookie }, proxy: { affinity } }, await deadAddress());
    const answer = await ask(port, { headers: { cookie: 'beta=1' } });
    expect([answer.body, answer.headers['set-cookie']?.[0]]).toEqual([
      'old',
      expect.stringContaining('at=3'),
    ]);
  });
});
