// The least-privilege roles of docs/etcd.md, with the commands as they stand there, on an etcd with authentication on.
// What a role may do is tried with our own client; what it may not is refused by etcd.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign } from '../../src/controller/leader.ts';
import { openEtcd } from '../../src/store/etcd.ts';
import { buildKeys } from '../../src/store/keys.ts';
import { startMirror } from '../../src/store/mirror.ts';
import type { Store } from '../../src/store/port.ts';
import { readShell } from '../support/documents.ts';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { waitFor } from '../support/wait.ts';

const keys = buildKeys('/slipway');
let etcd: EtcdServer;
const stores = new Map<string, Store>();

function as(user: string, password = `${user}-password`): Store {
  const known = stores.get(`${user}:${password}`);
  const store = known ?? openEtcd({ endpoints: [etcd.url], user, password, timeoutMs: 2_000 });
  stores.set(`${user}:${password}`, store);
  return store;
}

const write = (store: Store, key: string) =>
  store.commit({ guards: [], puts: [{ key, value: '1' }], deletes: [] });
const forbidden = { name: 'StoreError', code: 'store-forbidden', disposition: 'invalid' };

beforeAll(async () => {
  etcd = await startEtcd();
  for (const [, ...words] of readShell('etcd.md', 'roles')) await etcd.ctl(...words);
});

afterAll(async () => {
  for (const store of stores.values()) await store.close();
  await etcd.stop();
});

describe.each([
  [
    'ci-web',
    [keys.version('web')],
    [
      keys.spec('web'),
      keys.weights('web'),
      keys.command('web'),
      keys.version('api'),
      keys.route('web'),
      '/app/x',
    ],
    [keys.service('web')],
    [keys.service('api'), keys.root],
  ],
  [
    'operator',
    [
      keys.spec('web'),
      keys.version('web'),
      keys.quarantine('web', 'sha256:00'),
      keys.weights('web'),
      keys.command('web'),
      keys.serviceFreeze('web'),
      keys.freeze,
      '/app/web/LEVEL',
      '/env/production/A',
      '/secrets/web/token',
      '/feature/new',
    ],
    [
      keys.status('web'),
      keys.rollout('web'),
      keys.revision('web', 1),
      keys.leader,
      keys.route('web'),
      keys.proxy('p1'),
    ],
    [keys.root],
    ['/other/'],
  ],
  [
    'proxy',
    [keys.proxy('p1')],
    [keys.route('web'), keys.version('web'), keys.leader, keys.freeze],
    [keys.routes],
    [keys.services, keys.root, '/secrets/'],
  ],
  [
    'controller',
    [keys.status('web'), keys.route('web'), keys.revision('web', 1)],
    ['/secrets/web/token', '/other/x'],
    [keys.root, '/app/', '/env/', '/secrets/', '/feature/'],
    ['/other/'],
  ],
])('the user %s', (user, may, mayNot, reads, readsNot) => {
  it.each(may)('may write %s', async (key) => {
    expect(await write(as(user), key)).toMatchObject({ ok: true });
  });

  it.each(mayNot)('may not write %s', async (key) => {
    await expect(write(as(user), key)).rejects.toMatchObject(forbidden);
  });

  it.each(reads)('may list and watch %s', async (prefix) => {
    const { revision } = await as(user).list(prefix);
    const watch = await as(user).watch(prefix, revision + 1, {
      onChanges: () => undefined,
      onLost: () => undefined,
    });
    watch.close();
  });

  it.each(readsNot)('may neither list nor watch %s', async (prefix) => {
    await expect(as(user).list(prefix)).rejects.toMatchObject(forbidden);
    const listener = { onChanges: () => undefined, onLost: () => undefined };
    await expect(as(user).watch(prefix, 1, listener)).rejects.toMatchObject({ disposition: 'invalid' });
  });
});

describe('with authentication on', () => {
  it('a proxy registers under a lease', async () => {
    const store = as('proxy');
    const lease = await store.grantLease(5_000);
    const puts = [{ key: keys.proxy('p2'), value: '{}', lease }];
    expect(await store.commit({ guards: [], puts, deletes: [] })).toMatchObject({ ok: true });
    const granted = lease.validUntil();
    await waitFor('a renewal', () => lease.validUntil() > granted);
    await lease.revoke();
  });

  it('a controller is elected, and its guarded writes land', async () => {
    const store = as('controller');
    const stop = new AbortController();
    const mirror = startMirror({ store, prefix: keys.root, signal: stop.signal });
    const leader = campaign({ store, mirror, key: keys.leader, holder: { id: 'a' }, signal: stop.signal });
    await waitFor('the election', () => leader.isLeader());
    const puts = [{ key: keys.status('web'), value: '{}' }];
    expect(await store.commit({ guards: [leader.guard()], puts, deletes: [] })).toMatchObject({ ok: true });
    stop.abort();
    await leader.ended;
  });

  it('a wrong password is refused as such, for calls, watches and leases', async () => {
    const refused = { name: 'StoreError', code: 'store-unauthenticated', disposition: 'invalid' };
    const store = as('operator', 'wrong');
    await expect(store.get(keys.freeze)).rejects.toMatchObject(refused);
    await expect(store.grantLease(5_000)).rejects.toMatchObject(refused);
    const listener = { onChanges: () => undefined, onLost: () => undefined };
    await expect(store.watch(keys.root, 1, listener)).rejects.toMatchObject(refused);
  });

  it('no user at all is refused as such', async () => {
    const store = openEtcd({ endpoints: [etcd.url], timeoutMs: 2_000 });
    stores.set('nobody', store);
    await expect(store.get(keys.freeze)).rejects.toMatchObject({ code: 'store-unauthenticated' });
  });

  it('a restart of etcd, which forgets every token, costs nothing but time', async () => {
    const store = as('operator');
    const stop = new AbortController();
    const mirror = startMirror({ store, prefix: keys.root, signal: stop.signal });
    await mirror.ready();
    await etcd.kill();
    await etcd.restart();
    await waitFor('a write', async () => (await write(store, keys.version('web'))).ok);
    const entry = await store.get(keys.version('web'));
    await waitFor('the change', () => mirror.get(keys.version('web'))?.modRevision === entry?.modRevision);
    stop.abort();
  });
});
