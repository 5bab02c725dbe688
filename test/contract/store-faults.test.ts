// What a real etcd does to its clients: killed, restarted, compacted, frozen. Nothing may be lost, nothing may throw
// where nobody listens.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { campaign, type Leader } from '../../src/controller/leader.ts';
import { linkProxy } from '../../src/proxy-link/link.ts';
import { openEtcd } from '../../src/store/etcd.ts';
import { type Mirror, startMirror } from '../../src/store/mirror.ts';
import type { Store } from '../../src/store/port.ts';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { findFreePorts, uniquePrefix } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

let etcd: EtcdServer;
let store: Store;
let stop: AbortController;
let P: string;
const endings: (() => Promise<unknown>)[] = [];
const escaped: unknown[] = [];
const note = (error: unknown): void => void escaped.push(error);

beforeAll(async () => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  etcd = await startEtcd();
});

afterAll(async () => {
  await etcd.stop();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

beforeEach(() => {
  P = uniquePrefix();
  stop = new AbortController();
  store = openEtcd({ endpoints: [etcd.url], timeoutMs: 2_000 });
});

afterEach(async () => {
  // A test that failed in between leaves nothing to the others.
  etcd.thaw();
  stop.abort();
  for (const end of endings.splice(0)) await end();
  await store.close();
  expect(escaped).toEqual([]);
});

async function put(key: string, value: string): Promise<number> {
  const commit = await store.commit({ guards: [], puts: [{ key, value }], deletes: [] });
  return commit.ok ? commit.revision : 0;
}

const mirrorAll = (): Mirror => startMirror({ store, prefix: `${P}/`, signal: stop.signal });
const contents = (mirror: Mirror) =>
  mirror.entries().map(({ key, value }) => `${key.slice(P.length + 1)}=${value}`);

describe('calls', () => {
  it('fail as transient within their deadline while etcd is away, and work when it is back', async () => {
    await put(`${P}/a`, '1');
    await etcd.kill();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(store.get(`${P}/a`)).rejects.toMatchObject({
        name: 'StoreError',
        disposition: 'transient',
      });
    }
    await expect(store.grantLease(5_000)).rejects.toMatchObject({ disposition: 'transient' });
    await expect(put(`${P}/a`, '2')).rejects.toMatchObject({ disposition: 'transient' });
    await etcd.restart();
    expect((await store.get(`${P}/a`))?.value).toBe('1');
  });

  it('fail as transient while etcd is frozen, and work when it is thawed', async () => {
    await put(`${P}/a`, '1');
    etcd.freeze();
    await expect(store.get(`${P}/a`)).rejects.toMatchObject({
      code: 'store-timeout',
      disposition: 'transient',
    });
    etcd.thaw();
    const entry = await waitFor('an answer', () => store.get(`${P}/a`));
    expect(entry.value).toBe('1');
  });

  it('go to the endpoint that answers', async () => {
    const [closed] = await findFreePorts(1);
    const several = openEtcd({ endpoints: [`http://127.0.0.1:${closed}`, etcd.url] });
    endings.push(() => several.close());
    for (let n = 1; n <= 3; n += 1) {
      const puts = [{ key: `${P}/a`, value: String(n) }];
      expect(await several.commit({ guards: [], puts, deletes: [] })).toMatchObject({ ok: true });
    }
    expect((await several.get(`${P}/a`))?.value).toBe('3');
  });
});

describe('a watch', () => {
  it('ends once, by itself, when etcd goes silent without closing the connection', {
    timeout: 60_000,
  }, async () => {
    const lost: unknown[] = [];
    const listener = { onChanges: () => undefined, onLost: (error: Error) => lost.push(error) };
    await store.watch(`${P}/`, 1, listener);
    etcd.freeze();
    await waitFor('the loss', () => lost.length > 0);
    etcd.thaw();
    expect(lost).toEqual([expect.objectContaining({ name: 'StoreError', disposition: 'transient' })]);
  });
});

describe('a mirror', () => {
  it('survives kill and restart with the same data, and hears of what comes after', async () => {
    await put(`${P}/a`, '1');
    const mirror = mirrorAll();
    await mirror.ready();
    await etcd.kill();
    await waitFor('the loss', () => !mirror.connected);
    expect(contents(mirror)).toEqual(['a=1']);
    await etcd.restart();
    await waitFor('the connection', () => mirror.connected);
    await put(`${P}/b`, '2');
    await waitFor('the change', () => contents(mirror).length === 2);
    expect(contents(mirror)).toEqual(['a=1', 'b=2']);
  });

  it('catches up over a history that was compacted while it was cut off', async () => {
    await put(`${P}/a`, '1');
    await put(`${P}/b`, '1');
    const mirror = mirrorAll();
    await mirror.ready();
    const told: string[] = [];
    mirror.onChange((keys) => told.push(...keys));
    await etcd.kill();
    await waitFor('the loss', () => !mirror.connected);
    await etcd.restart();
    await etcd.ctl('del', `${P}/a`);
    await etcd.ctl('put', `${P}/c`, '1');
    const { revision } = await store.list(`${P}/`);
    await etcd.ctl('compact', String(revision));
    await waitFor('the changes', () => contents(mirror).join() === 'b=1,c=1');
    expect(told).toEqual(expect.arrayContaining([`${P}/a`, `${P}/c`]));
    expect(told).not.toContain(`${P}/b`);
  });

  it('loses nothing under writes while etcd is killed again and again', async () => {
    const mirror = mirrorAll();
    await mirror.ready();
    const written = new Map<string, string>();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 20; n += 1) {
        await put(`${P}/k${n}`, `${round}`);
        written.set(`${P}/k${n}`, `${round}`);
      }
      await etcd.kill();
      await etcd.restart();
      await waitFor('etcd', () => store.get(`${P}/k0`));
    }
    const last = await waitFor('a last write', () => put(`${P}/last`, 'x'));
    await waitFor('the last write', () => mirror.revision >= last);
    for (const [key, value] of written) expect(mirror.get(key)?.value).toBe(value);
  });
});

describe('a leader', () => {
  function stand(id: string): { leader: Leader; stop: AbortController; store: Store } {
    const own = openEtcd({ endpoints: [etcd.url], timeoutMs: 2_000 });
    const end = new AbortController();
    const mirror = startMirror({ store: own, prefix: `${P}/`, signal: end.signal });
    const key = `${P}/controller/leader`;
    const leader = campaign({ store: own, mirror, key, holder: { id }, ttlMs: 3_000, signal: end.signal });
    endings.push(async () => {
      end.abort();
      await leader.ended;
      await own.close();
    });
    return { leader, stop: end, store: own };
  }

  it('is one of two; a resignation hands over at once', async () => {
    const a = stand('a');
    await waitFor('a', () => a.leader.isLeader());
    const b = stand('b');
    a.stop.abort();
    await waitFor('b', () => b.leader.isLeader(), { timeoutMs: 2_000 });
    expect(a.leader.isLeader()).toBe(false);
    expect(JSON.parse((await store.get(`${P}/controller/leader`))?.value ?? '')).toEqual({ id: 'b' });
  });

  it('is deposed when its lease is revoked, and can then write nothing', async () => {
    const a = stand('a');
    await waitFor('a', () => a.leader.isLeader());
    const guard = a.leader.guard();
    const b = stand('b');
    const leases = (await etcd.ctl('get', `${P}/controller/leader`, '-w', 'json')).match(/"lease":(\d+)/);
    await etcd.ctl('lease', 'revoke', BigInt(leases?.[1] ?? 0).toString(16));
    await waitFor(
      'a successor',
      () => b.leader.isLeader() || (a.leader.isLeader() && a.leader.guard() !== guard),
    );
    const write = { guards: [guard], puts: [{ key: `${P}/x`, value: '1' }], deletes: [] };
    expect(await store.commit(write)).toEqual({ ok: false });
    expect([a.leader.isLeader(), b.leader.isLeader()].filter(Boolean)).toHaveLength(1);
  });

  it('does not lead past its lease while etcd is frozen, and one leads again afterwards', async () => {
    const a = stand('a');
    await waitFor('a', () => a.leader.isLeader());
    const term = a.leader.term();
    etcd.freeze();
    await waitFor('the end of the term', () => term?.lost.aborted);
    expect(performance.now()).toBeLessThan((term?.validUntil() ?? 0) + 3_000);
    expect(a.leader.isLeader()).toBe(false);
    etcd.thaw();
    await waitFor('a new term', () => a.leader.isLeader());
  });
});

describe('a proxy link', () => {
  it('acknowledges a route at its revision, and registers again after a restart of etcd', async () => {
    let version = 0;
    const acknowledge = () => ({ applied: version, busy: {}, refused: {} });
    const link = linkProxy({
      store,
      prefix: P,
      sink: {
        apply: async (update) => {
          version = update.version;
          return acknowledge();
        },
        acknowledgement: acknowledge,
        onChange: () => undefined,
      },
      id: 'p1',
      version: '1.2.3',
      addresses: { http: '127.0.0.1:1', admin: '127.0.0.1:2' },
      readSnapshot: async () => null,
      writeSnapshot: async () => undefined,
      signal: stop.signal,
      ttlMs: 2_000,
    });
    endings.push(() => link.ended);
    await link.serving;
    const applied = async (): Promise<number> => {
      return JSON.parse((await store.get(`${P}/proxies/p1`))?.value ?? '{}').applied;
    };
    const first = await put(`${P}/routes/web`, '{}');
    await waitFor('the acknowledgement', async () => (await applied()) >= first);
    await etcd.kill();
    await etcd.restart();
    const second = await waitFor('a write', () => put(`${P}/routes/web`, '{"n":2}'));
    await waitFor('the second acknowledgement', async () => (await applied()) >= second);
  });
});
