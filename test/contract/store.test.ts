// What every store must do: run against the in-memory one and against a real etcd of the suite's own.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEtcd } from '../../src/store/etcd.ts';
import type { Change, Store } from '../../src/store/port.ts';
import { FakeEtcd } from '../fakes/store.ts';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { uniquePrefix } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

interface World {
  connect(): Store;
  /** As an operator would, from outside. */
  revokeLease(id: string): Promise<void>;
  compact(revision: number): Promise<void>;
  stop(): Promise<void>;
}

async function fakeWorld(): Promise<World> {
  const etcd = new FakeEtcd();
  return {
    connect: () => etcd.connect(),
    revokeLease: async (id) => etcd.expireLease(id),
    compact: async (revision) => etcd.compact(revision),
    stop: async () => undefined,
  };
}

async function realWorld(): Promise<World> {
  const etcd: EtcdServer = await startEtcd();
  return {
    connect: () => openEtcd({ endpoints: [etcd.url] }),
    revokeLease: async (id) => void (await etcd.ctl('lease', 'revoke', BigInt(id).toString(16))),
    compact: async (revision) => void (await etcd.ctl('compact', String(revision))),
    stop: () => etcd.stop(),
  };
}

describe.each([
  ['in memory', fakeWorld],
  ['etcd', realWorld],
])('store: %s', (_name, create) => {
  let world: World;
  let store: Store;
  let P: string;

  beforeAll(async () => {
    world = await create();
    store = world.connect();
  });

  afterAll(async () => {
    await store.close();
    await world.stop();
  });

  beforeEach(() => {
    P = uniquePrefix();
  });

  async function put(key: string, value: string): Promise<number> {
    const commit = await store.commit({ guards: [], puts: [{ key, value }], deletes: [] });
    if (!commit.ok) throw new Error('a put without guards cannot fail');
    return commit.revision;
  }

  async function follow(from: number): Promise<{ changes: Change[]; lost: Error[]; close(): void }> {
    const changes: Change[] = [];
    const lost: Error[] = [];
    const watch = await store.watch(`${P}/`, from, {
      onChanges: (batch, revision) => {
        expect(revision).toBe(batch.at(-1)?.modRevision);
        changes.push(...batch);
      },
      onLost: (error) => lost.push(error),
    });
    return { changes, lost, close: () => watch.close() };
  }

  const told = (changes: readonly Change[]) =>
    changes.map(({ kind, key, value }) => `${kind} ${key.slice(P.length + 1)} ${value}`.trim());

  it('lists what lies below a prefix, with the revision of the whole', async () => {
    const first = await put(`${P}/a`, '1');
    const second = await put(`${P}/b`, 'zwei ☂');
    await put(`${P}-2/c`, '3');
    const listed = await store.list(`${P}/`);
    expect(listed.revision).toBe(second + 1);
    expect(listed.entries).toEqual([
      { key: `${P}/a`, value: '1', createRevision: first, modRevision: first },
      { key: `${P}/b`, value: 'zwei ☂', createRevision: second, modRevision: second },
    ]);
  });

  it('lists page by page, all at the revision of the first, and tells what is under a lease', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await put(`${P}/${name}`, name);
    const lease = await store.grantLease(60_000);
    const puts = [{ key: `${P}/e`, value: 'e', lease }];
    await store.commit({ guards: [], puts, deletes: [] });
    await put(`${P}-2/f`, 'f');
    const first = await store.page({ prefix: `${P}/`, from: null, revision: null, limit: 3 });
    await put(`${P}/d`, 'changed');
    await put(`${P}/dd`, 'new');
    const request = { prefix: `${P}/`, revision: first.revision, limit: 3 };
    const second = await store.page({ ...request, from: first.next });
    expect(second).toMatchObject({ revision: first.revision, next: null });
    const told = [...first.entries, ...second.entries].map(({ key, value, isLeased }) => [
      key,
      value,
      isLeased,
    ]);
    expect(told).toEqual([
      ...['a', 'b', 'c', 'd'].map((name) => [`${P}/${name}`, name, false]),
      [`${P}/e`, 'e', true],
    ]);
    await lease.revoke();
  });

  it('gets one key, or null', async () => {
    const created = await put(`${P}/a`, '1');
    const changed = await put(`${P}/a`, '2');
    const entry = { key: `${P}/a`, value: '2', createRevision: created, modRevision: changed };
    expect(await store.get(`${P}/a`)).toEqual(entry);
    expect(await store.get(`${P}/b`)).toBeNull();
  });

  it('commits puts and deletes together, at one revision', async () => {
    await put(`${P}/old`, '1');
    const puts = [
      { key: `${P}/x`, value: '1' },
      { key: `${P}/y`, value: '2' },
    ];
    const commit = await store.commit({ guards: [], puts, deletes: [`${P}/old`, `${P}/never`] });
    const { revision, entries } = await store.list(`${P}/`);
    expect(commit).toEqual({ ok: true, revision });
    expect(entries.map(({ key, modRevision }) => [key, modRevision])).toEqual([
      [`${P}/x`, revision],
      [`${P}/y`, revision],
    ]);
  });

  it.each([
    ['a right mod revision', (mod: number, _create: number) => ({ modRevision: mod }), true],
    ['a former mod revision', (_mod: number, create: number) => ({ modRevision: create }), false],
    ['a right create revision', (_mod: number, create: number) => ({ createRevision: create }), true],
    ['a wrong create revision', (mod: number, _create: number) => ({ createRevision: mod }), false],
    ['mod revision 0 for a key that exists', () => ({ modRevision: 0 }), false],
    ['create revision 0 for a key that exists', () => ({ createRevision: 0 }), false],
  ])('with %s', async (_case, guardOf, lands) => {
    const create = await put(`${P}/k`, '1');
    const mod = await put(`${P}/k`, '2');
    const guards = [{ key: `${P}/k`, ...guardOf(mod, create) }];
    const commit = await store.commit({ guards, puts: [{ key: `${P}/k`, value: '3' }], deletes: [] });
    expect(commit.ok).toBe(lands);
    expect((await store.get(`${P}/k`))?.value).toBe(lands ? '3' : '2');
  });

  it('takes revision 0 to mean: must not exist', async () => {
    const guards = [
      { key: `${P}/k`, createRevision: 0 },
      { key: `${P}/l`, modRevision: 0 },
    ];
    const transaction = { guards, puts: [{ key: `${P}/k`, value: '1' }], deletes: [] };
    expect((await store.commit(transaction)).ok).toBe(true);
    expect((await store.commit(transaction)).ok).toBe(false);
  });

  it('does nothing when one of several guards fails', async () => {
    await put(`${P}/a`, '1');
    const guards = [
      { key: `${P}/none`, createRevision: 0 },
      { key: `${P}/a`, createRevision: 0 },
    ];
    const commit = await store.commit({ guards, puts: [{ key: `${P}/b`, value: '1' }], deletes: [`${P}/a`] });
    expect(commit).toEqual({ ok: false });
    expect((await store.list(`${P}/`)).entries.map(({ key }) => key)).toEqual([`${P}/a`]);
  });

  it('lets one of many rivals win', async () => {
    const attempts = Array.from({ length: 10 }, (_, n) =>
      store.commit({
        guards: [{ key: `${P}/lock`, createRevision: 0 }],
        puts: [{ key: `${P}/lock`, value: String(n) }],
        deletes: [],
      }),
    );
    expect((await Promise.all(attempts)).filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('refuses a transaction that names a key twice', async () => {
    const puts = [
      { key: `${P}/a`, value: '1' },
      { key: `${P}/a`, value: '2' },
    ];
    await expect(store.commit({ guards: [], puts, deletes: [] })).rejects.toMatchObject({
      name: 'StoreError',
      code: 'store-refused',
      disposition: 'invalid',
    });
  });

  it('takes 128 operations in one transaction, and refuses more', async () => {
    const keys = (count: number) => Array.from({ length: count }, (_, at) => `${P}/${at}`);
    const tooMany = store.commit({ guards: [], puts: [], deletes: keys(129) });
    await expect(tooMany).rejects.toMatchObject({ code: 'store-refused' });
    expect(await store.commit({ guards: [], puts: [], deletes: keys(128) })).toMatchObject({ ok: true });
  });

  it('watches from a revision on: what happened before it was opened, and after, in order, once', async () => {
    const start = await put(`${P}/a`, '1');
    await put(`${P}/a`, '2');
    const watch = await follow(start + 1);
    await put(`${P}/b`, '1');
    await put(`${P}-2/other`, '1');
    await store.commit({ guards: [], puts: [{ key: `${P}/c`, value: '1' }], deletes: [`${P}/a`] });
    await put(`${P}/last`, '');
    await waitFor('the last change', () => watch.changes.at(-1)?.key === `${P}/last`);
    watch.close();
    const seen = told(watch.changes);
    expect([...seen.slice(0, 2), ...seen.slice(2, 4).sort(), ...seen.slice(4)]).toEqual([
      'put a 2',
      'put b 1',
      'delete a',
      'put c 1',
      'put last',
    ]);
    const [created, , first, second] = watch.changes;
    expect(created).toMatchObject({ createRevision: start, modRevision: start + 1 });
    expect(first?.modRevision).toBe(second?.modRevision);
  });

  it('tells nothing after the watch was closed', async () => {
    const watch = await follow((await put(`${P}/a`, '1')) + 1);
    watch.close();
    await put(`${P}/a`, '2');
    await put(`${P}/a`, '3');
    const other = await follow(1);
    await waitFor('the other watch', () => told(other.changes).includes('put a 3'));
    other.close();
    expect(watch.changes).toEqual([]);
    expect(watch.lost).toEqual([]);
  });

  it('loses a watch from a compacted revision, and says that it is compacted', async () => {
    const start = await put(`${P}/a`, '1');
    const now = await put(`${P}/a`, '2');
    await world.compact(now);
    const lost: unknown[] = [];
    const opened = store.watch(`${P}/`, start, { onChanges: () => undefined, onLost: (e) => lost.push(e) });
    await opened.catch((error: unknown) => lost.push(error));
    const [error] = await waitFor('the loss', () => lost.length > 0 && lost);
    expect(error).toMatchObject({ code: 'store-compacted', disposition: 'conflict' });
    expect(lost).toHaveLength(1);
  });

  it('refuses a page at a revision that is compacted', async () => {
    const revision = await put(`${P}/a`, '1');
    await world.compact(await put(`${P}/a`, '2'));
    const page = store.page({ prefix: `${P}/`, from: null, revision, limit: 3 });
    await expect(page).rejects.toMatchObject({ code: 'store-compacted' });
  });

  it('keeps a key while its lease lives, and longer than one term', async () => {
    const lease = await store.grantLease(2_000);
    await store.commit({ guards: [], puts: [{ key: `${P}/k`, value: '1', lease }], deletes: [] });
    const granted = lease.validUntil();
    await waitFor('a renewal', () => lease.validUntil() > granted + 3_000);
    expect(await store.get(`${P}/k`)).not.toBeNull();
    expect(lease.lost.aborted).toBe(false);
    expect(lease.validUntil()).toBeGreaterThan(performance.now());
    expect(lease.validUntil()).toBeLessThanOrEqual(performance.now() + lease.ttlMs);
    await lease.revoke();
  });

  it('deletes the keys of a lease that is given back, tells the watch, and ends the lease', async () => {
    const lease = await store.grantLease(5_000);
    await store.commit({ guards: [], puts: [{ key: `${P}/k`, value: '1', lease }], deletes: [] });
    const watch = await follow(((await store.get(`${P}/k`))?.modRevision ?? 0) + 1);
    await lease.revoke();
    expect(lease.lost.aborted).toBe(true);
    expect(await store.get(`${P}/k`)).toBeNull();
    await waitFor('the deletion', () => told(watch.changes).includes('delete k'));
    watch.close();
    await lease.revoke();
  });

  it('tells the owner when somebody else revokes its lease', async () => {
    const lease = await store.grantLease(5_000);
    await store.commit({ guards: [], puts: [{ key: `${P}/k`, value: '1', lease }], deletes: [] });
    await world.revokeLease(lease.id);
    expect(await store.get(`${P}/k`)).toBeNull();
    await waitFor('the word of it', () => lease.lost.aborted);
    expect(lease.lost.reason).toMatchObject({ code: 'store-lease-lost' });
  });

  it('refuses a put under a lease that has gone', async () => {
    const lease = await store.grantLease(5_000);
    await lease.revoke();
    const puts = [{ key: `${P}/k`, value: '1', lease }];
    await expect(store.commit({ guards: [], puts, deletes: [] })).rejects.toMatchObject({
      code: 'store-lease-lost',
      disposition: 'conflict',
    });
  });

  it('keeps a key that was put again without the lease', async () => {
    const lease = await store.grantLease(5_000);
    await store.commit({ guards: [], puts: [{ key: `${P}/k`, value: '1', lease }], deletes: [] });
    await put(`${P}/k`, '2');
    await lease.revoke();
    expect((await store.get(`${P}/k`))?.value).toBe('2');
  });

  it('answers nothing once it is closed', async () => {
    const other = world.connect();
    await other.list(`${P}/`);
    await other.close();
    await expect(other.get(`${P}/k`)).rejects.toMatchObject({
      code: 'store-closed',
      disposition: 'cancelled',
    });
    await expect(other.grantLease(5_000)).rejects.toMatchObject({ code: 'store-closed' });
  });
});
