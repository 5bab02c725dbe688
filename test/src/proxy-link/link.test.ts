import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Acknowledgement, TableSink, TableUpdate } from '../../../proxy/control.ts';
import { linkProxy, type ProxyLink, type ProxyLinkOptions } from '../../../src/proxy-link/link.ts';
import type { ProxyRegistration } from '../../../src/proxy-link/registration.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { waitFor } from '../../support/wait.ts';

const PREFIX = '/t';
const KEY = '/t/proxies/p1';

/** A proxy that takes every table; can be held up, and told that a target is busy. */
class Sink implements TableSink {
  readonly tables: TableUpdate[] = [];
  busy: Record<string, number> = {};
  gate: Promise<void> = Promise.resolve();
  refusals = 0;
  #listener: () => void = () => undefined;

  async apply(update: TableUpdate): Promise<Acknowledgement> {
    await this.gate;
    if (this.refusals > 0) {
      this.refusals -= 1;
      throw new Error('a worker has died');
    }
    this.tables.push(update);
    return this.acknowledgement();
  }

  acknowledgement(): Acknowledgement {
    return { applied: this.tables.at(-1)?.version ?? 0, busy: { ...this.busy }, refused: {} };
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  setBusy(busy: Record<string, number>): void {
    this.busy = busy;
    this.#listener();
  }
}

let etcd: FakeEtcd;
let sink: Sink;
let stop: AbortController;
let saved: TableUpdate[];
let troubles: string[];

beforeEach(() => {
  etcd = new FakeEtcd();
  sink = new Sink();
  stop = new AbortController();
  saved = [];
  troubles = [];
});

let link: ProxyLink | null = null;

afterEach(async () => {
  stop.abort();
  await link?.ended;
  link = null;
});

function start(options: Partial<ProxyLinkOptions> = {}): ProxyLink {
  link = linkProxy({
    store: etcd.connect(),
    prefix: PREFIX,
    sink,
    id: 'p1',
    version: '1.2.3',
    addresses: { http: '10.0.0.1:8080', admin: '10.0.0.1:9180' },
    readSnapshot: async () => null,
    writeSnapshot: async (update) => void saved.push(update),
    signal: stop.signal,
    snapshotAfterMs: 20,
    onTrouble: (what) => troubles.push(what),
    ...options,
  });
  return link;
}

const registration = (): ProxyRegistration => JSON.parse(etcd.value(KEY) ?? '{}');
const applied = (version: number) => waitFor(`applied ${version}`, () => registration().applied >= version);

describe('proxy link', () => {
  it('applies the routes as one table, and registers under a lease with what it has applied', async () => {
    etcd.put('/t/routes/web', '{"split":{}}');
    const revision = etcd.put('/t/routes/api', '{"split":{"1":100}}');
    etcd.put('/t/services/web/spec', 'image: x');
    await start().serving;
    await waitFor('the registration', () => registration().applied >= revision);
    expect(sink.tables.at(-1)?.services).toEqual({ web: { split: {} }, api: { split: { '1': 100 } } });
    expect(registration()).toEqual({
      id: 'p1',
      version: '1.2.3',
      addresses: { http: '10.0.0.1:8080', admin: '10.0.0.1:9180' },
      applied: expect.any(Number),
      busy: {},
      refused: {},
      started: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(etcd.leaseIds()).toHaveLength(1);
  });

  it('is known before its first table is served', async () => {
    const order: string[] = [];
    etcd.intercept = (call) => void order.push(call);
    const { apply } = sink;
    sink.apply = (update) => {
      order.push(etcd.value(KEY) === null ? 'unknown' : 'known');
      return apply.call(sink, update);
    };
    await start().serving;
    expect(order).toContain('known');
    expect(order).not.toContain('unknown');
  });

  it('acknowledges exactly the revision of the change that it has applied', async () => {
    await start().serving;
    await sleep(20);
    for (const value of ['{"split":{}}', '{"split":{"2":100}}']) {
      const revision = etcd.put('/t/routes/web', value);
      await applied(revision);
      expect(registration().applied).toBe(revision);
      expect(sink.tables.at(-1)?.services).toEqual({ web: JSON.parse(value) });
    }
    const revision = etcd.delete('/t/routes/web');
    await applied(revision);
    expect(registration().applied).toBe(revision);
    expect(sink.tables.at(-1)?.services).toEqual({});
  });

  it('never acknowledges a table that the proxy has not taken yet', async () => {
    await start().serving;
    const gate = Promise.withResolvers<void>();
    sink.gate = gate.promise;
    const revision = etcd.put('/t/routes/web', '{}');
    await sleep(50);
    expect(registration().applied).toBeLessThan(revision);
    gate.resolve();
    await applied(revision);
  });

  it('takes what changed while a table was being applied in one more table', async () => {
    await start().serving;
    const gate = Promise.withResolvers<void>();
    sink.gate = gate.promise;
    etcd.put('/t/routes/web', '{"n":0}');
    await sleep(10);
    for (let n = 1; n <= 50; n += 1) etcd.put('/t/routes/web', `{"n":${n}}`);
    const before = sink.tables.length;
    gate.resolve();
    await applied(etcd.get('/t/routes/web')?.modRevision ?? 0);
    expect(sink.tables.length - before).toBe(2);
    expect(sink.tables.at(-1)?.services).toEqual({ web: { n: 50 } });
  });

  it('reads a large table in slices, and gives each as it was at its revision, whatever comes meanwhile', async () => {
    const states = new Map<number, Record<string, unknown>>();
    let state: Record<string, unknown> = {};
    const change = (name: string, n: number): void => {
      state = { ...state, [name]: { n } };
      states.set(etcd.put(`/t/routes/${name}`, `{"n":${n}}`), state);
    };
    for (let index = 0; index < 450; index += 1) change(`web-${index}`, 0);
    const { serving } = start();
    for (let n = 1; n < 30; n += 1) {
      await setImmediate();
      for (const name of ['web-7', 'web-440']) change(name, n);
    }
    await serving;
    await applied([...states.keys()].at(-1) ?? 0);
    for (const { version, services } of sink.tables)
      if (states.has(version)) expect(services).toEqual(states.get(version));
    expect(sink.tables.at(-1)?.services).toEqual(state);
  });

  it('tells of busy targets at once, and of the last state when many changes come', async () => {
    await start().serving;
    for (let count = 9; count >= 0; count -= 1) sink.setBusy(count > 0 ? { '1@a:80': count } : {});
    sink.setBusy({ '1@a:80': 3 });
    await waitFor('busy', () => registration().busy['1@a:80'] === 3);
    const puts = etcd.calls.get('commit') ?? 0;
    sink.setBusy({});
    await waitFor('idle', () => Object.keys(registration().busy).length === 0);
    expect(etcd.calls.get('commit')).toBe(puts + 1);
  });

  it('passes on a route that is not JSON, for the proxy to refuse it alone', async () => {
    etcd.put('/t/routes/bad', '{');
    etcd.put('/t/routes/web', '{}');
    await start().serving;
    expect(sink.tables.at(-1)?.services).toEqual({ bad: '{', web: {} });
  });

  it('registers anew when its lease has gone', async () => {
    await start().serving;
    await waitFor('the key', () => etcd.value(KEY));
    const [lease = ''] = etcd.leaseIds();
    etcd.expireLease(lease);
    expect(etcd.value(KEY)).toBeNull();
    await waitFor('the key again', () => etcd.value(KEY));
    expect(etcd.leaseIds()).toHaveLength(1);
    expect(etcd.leaseIds()).not.toContain(lease);
  });

  it('serves on while the store is away, and catches up after', async () => {
    etcd.put('/t/routes/web', '{"n":1}');
    await start().serving;
    await waitFor('the key', () => etcd.value(KEY));
    etcd.goDown();
    await sleep(50);
    expect(sink.tables.at(-1)?.services).toEqual({ web: { n: 1 } });
    const revision = etcd.put('/t/routes/web', '{"n":2}');
    etcd.compact();
    etcd.comeUp();
    await waitFor('caught up', () => registration().applied >= revision);
    expect(sink.tables.at(-1)?.services).toEqual({ web: { n: 2 } });
  });

  it('starts from the snapshot when the store is away, without acknowledging it', async () => {
    etcd.goDown();
    const snapshot = { version: 900, services: { web: { n: 1 } } };
    const started = start({ readSnapshot: async () => snapshot });
    await started.serving;
    expect(sink.tables).toEqual([{ version: 0, services: { web: { n: 1 } } }]);
    expect(started.connected()).toBe(false);
    const revision = etcd.put('/t/routes/web', '{"n":2}');
    etcd.comeUp();
    await applied(revision);
    expect(sink.tables.at(-1)?.services).toEqual({ web: { n: 2 } });
  });

  it('keeps its table when the store answers with an older history, and acknowledges nothing of it', async () => {
    const revision = etcd.put('/t/routes/web', '{"n":1}');
    const started = start();
    await applied(revision);
    etcd.delete('/t/routes/web');
    etcd.put('/t/routes/web', '{"n":2}');
    await waitFor('the table', () => registration().applied >= revision + 2);
    const before = sink.tables.length;
    etcd.revision = 1;
    etcd.cutWatches();
    await waitFor('the word to be taken back', () => registration().applied === 0);
    expect(started.trouble()).toContain('it was restored, or is another one');
    sink.setBusy({ '1@a:80': 3 });
    await waitFor('busy', () => registration().busy['1@a:80'] === 3);
    expect(registration().applied).toBe(0);
    expect(sink.tables).toHaveLength(before);
  });

  it('prefers the store to the snapshot when the store answers', async () => {
    etcd.put('/t/routes/web', '{"n":2}');
    await start({ readSnapshot: async () => ({ version: 1, services: {} }), snapshotAfterMs: 10_000 })
      .serving;
    expect(sink.tables[0]?.services).toEqual({ web: { n: 2 } });
  });

  it('goes on when the snapshot cannot be read or written', async () => {
    etcd.goDown();
    const broken = async (): Promise<never> => {
      throw new Error('disk');
    };
    start({ readSnapshot: broken, writeSnapshot: broken });
    await waitFor('trouble', () => troubles.includes('snapshot-unreadable'));
    etcd.comeUp();
    await applied(etcd.put('/t/routes/web', '{}'));
    expect(troubles).toContain('snapshot-unwritten');
  });

  it('writes a snapshot of what was applied, the last one last', async () => {
    await start().serving;
    for (let n = 1; n <= 20; n += 1) etcd.put('/t/routes/web', `{"n":${n}}`);
    await waitFor('the snapshot', () => (saved.at(-1)?.services.web as { n: number } | undefined)?.n === 20);
    expect(sink.tables.map(({ version }) => version)).toEqual(
      expect.arrayContaining(saved.map((s) => s.version)),
    );
  });

  it('tries a table again that the proxy could not take', async () => {
    await start().serving;
    sink.refusals = 2;
    await applied(etcd.put('/t/routes/web', '{}'));
    expect(troubles.filter((what) => what === 'table-refused')).toHaveLength(2);
  });

  it('gives its key back when it ends', async () => {
    const started = start();
    await started.serving;
    await waitFor('the key', () => etcd.value(KEY));
    const words: unknown[] = [];
    const onChanges = (changes: readonly { kind: string; value: string }[]) =>
      words.push(...changes.map(({ kind, value }) => (kind === 'put' ? JSON.parse(value).leaving : kind)));
    await etcd.connect().watch(KEY, etcd.revision + 1, { onChanges, onLost: () => undefined });
    stop.abort();
    await started.ended;
    await waitFor('the end of it', () => words.includes('delete') || null);
    expect(words.slice(-2)).toEqual([true, 'delete']);
    expect(etcd.value(KEY)).toBeNull();
    expect(etcd.leaseIds()).toEqual([]);
  });
});
