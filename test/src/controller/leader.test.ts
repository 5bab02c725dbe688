import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { campaign, type Leader } from '../../../src/controller/leader.ts';
import { startMirror } from '../../../src/store/mirror.ts';
import { FakeEtcd, type FakeStore } from '../../fakes/store.ts';

const KEY = '/t/controller/leader';
let etcd: FakeEtcd;
let ticks: NodeJS.Timeout;
const stops: AbortController[] = [];

interface Candidate {
  readonly leader: Leader;
  readonly store: FakeStore;
  readonly stop: AbortController;
  readonly told: string[];
}

beforeEach(() => {
  vi.useFakeTimers();
  etcd = new FakeEtcd();
  ticks = setInterval(() => etcd.checkLeases(), 100);
});

afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await vi.advanceTimersByTimeAsync(0);
  clearInterval(ticks);
  vi.useRealTimers();
});

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve());
  });

function stand(id: string): Candidate {
  const stop = new AbortController();
  stops.push(stop);
  const store = etcd.connect();
  const mirror = startMirror({ store, prefix: '/t/', signal: stop.signal, pause });
  const leader = campaign({ store, mirror, key: KEY, holder: { id, pid: 1 }, signal: stop.signal, pause });
  const told: string[] = [];
  leader.onChange((term) => told.push(term ? 'leads' : 'lost'));
  return { leader, store, stop, told };
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('leader', () => {
  it('leads when nobody does, and the key says who', async () => {
    const a = stand('a');
    expect(a.leader.isLeader()).toBe(false);
    expect(() => a.leader.guard()).toThrow(/does not lead/);
    expect(a.leader.validUntil()).toBe(0);
    await settle();
    expect(a.leader.isLeader()).toBe(true);
    expect(JSON.parse(etcd.value(KEY) ?? '')).toEqual({ id: 'a', pid: 1 });
    expect(a.leader.guard()).toEqual({ key: KEY, createRevision: etcd.get(KEY)?.createRevision });
    await settle(60_000);
    expect(a.told).toEqual(['leads']);
  });

  it('is one at a time; the other takes over at once when the first resigns', async () => {
    const a = stand('a');
    await settle();
    const b = stand('b');
    await settle(30_000);
    expect([a.leader.isLeader(), b.leader.isLeader()]).toEqual([true, false]);
    a.stop.abort();
    await settle();
    expect([a.leader.isLeader(), b.leader.isLeader()]).toEqual([false, true]);
    expect(a.told).toEqual(['leads', 'lost']);
    await a.leader.ended;
  });

  it('stops leading before its lease can have expired, and the other leads within the lease time', async () => {
    const a = stand('a');
    await settle();
    const b = stand('b');
    await settle();
    const term = a.leader.term();
    a.store.isolate();
    await settle(9_950);
    expect([a.leader.isLeader(), b.leader.isLeader()]).toEqual([true, false]);
    await settle(200);
    expect([a.leader.isLeader(), b.leader.isLeader()]).toEqual([false, true]);
    expect(term?.lost.aborted).toBe(true);
  });

  it('does not lead past `validUntil`, even while nobody has told it', async () => {
    const a = stand('a');
    await settle();
    a.store.isolate();
    clearInterval(ticks);
    await settle(10_001);
    expect(a.told).toEqual(['leads']);
    expect(a.leader.isLeader()).toBe(false);
    expect(() => a.leader.guard()).toThrow(/does not lead/);
  });

  it('cannot write once deposed: the guard of its term fails', async () => {
    const a = stand('a');
    await settle();
    const guard = a.leader.guard();
    etcd.delete(KEY);
    const write = { guards: [guard], puts: [{ key: '/t/x', value: '1' }], deletes: [] };
    expect(etcd.transact(write)).toEqual({ ok: false });
  });

  it('is deposed when the key is taken from it, and stands again with a new term', async () => {
    const a = stand('a');
    await settle();
    const first = a.leader.term();
    etcd.delete(KEY);
    await settle();
    expect(first?.lost.aborted).toBe(true);
    expect(a.told).toEqual(['leads', 'lost', 'leads']);
    expect(a.leader.guard()).not.toEqual(first?.guard);
    expect(etcd.leaseIds()).toHaveLength(1);
  });

  it('is deposed when another has put its own key there in between', async () => {
    const a = stand('a');
    await settle();
    etcd.delete(KEY);
    etcd.put(KEY, '{"id":"x"}');
    await settle(1_000);
    expect(a.leader.isLeader()).toBe(false);
    expect(a.told).toEqual(['leads', 'lost']);
  });

  it('leads on through an outage shorter than its lease', async () => {
    const a = stand('a');
    await settle();
    etcd.goDown();
    await settle(5_000);
    expect(a.leader.isLeader()).toBe(true);
    etcd.comeUp();
    await settle(20_000);
    expect(a.told).toEqual(['leads']);
  });

  it('leads again after an outage longer than its lease', async () => {
    const a = stand('a');
    await settle();
    etcd.goDown();
    await settle(30_000);
    expect(a.leader.isLeader()).toBe(false);
    etcd.comeUp();
    await settle(20_000);
    expect(a.leader.isLeader()).toBe(true);
    expect(a.told).toEqual(['leads', 'lost', 'leads']);
  });

  it('survives a won election whose answer was lost', async () => {
    etcd.lostReplies = 1;
    const a = stand('a');
    await settle(15_000);
    expect(a.leader.isLeader()).toBe(true);
    expect(etcd.leaseIds()).toHaveLength(1);
    expect(a.told).toEqual(['leads']);
  });

  it('gives its lease back when it lost the election', async () => {
    const a = stand('a');
    const b = stand('b');
    await settle(1_000);
    expect([a.leader.isLeader(), b.leader.isLeader()].filter(Boolean)).toHaveLength(1);
    expect(etcd.leaseIds()).toHaveLength(1);
  });

  it('does not ask without a pause while its copy of the store shows nobody who leads', async () => {
    etcd.deafWatches = 1;
    etcd.intercept = (call) => {
      if (call === 'watch') etcd.put(KEY, '{"id":"a"}');
    };
    stand('b');
    await settle(10_000);
    expect(etcd.calls.get('grantLease')).toBeGreaterThan(5);
    expect(etcd.calls.get('grantLease')).toBeLessThanOrEqual(41);
  });
});
