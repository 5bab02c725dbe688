import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Mirror, startMirror } from '../../../src/store/mirror.ts';
import { FakeEtcd } from '../../fakes/store.ts';

const P = '/t/';
let etcd: FakeEtcd;
let stop: AbortController;
let seen: string[][];
let troubles: string[];

beforeEach(() => {
  vi.useFakeTimers();
  etcd = new FakeEtcd();
  stop = new AbortController();
  seen = [];
  troubles = [];
});

afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

function start(): Mirror {
  const mirror = startMirror({
    store: etcd.connect(),
    prefix: P,
    formerBelow: '/t/a',
    signal: stop.signal,
    pause: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    onTrouble: (error, streak) =>
      troubles.push(`${streak} ${error instanceof Error ? error.message : error}`),
  });
  mirror.onChange((keys) => seen.push([...keys]));
  return mirror;
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const contents = (mirror: Mirror) =>
  Object.fromEntries(mirror.entries().map(({ key, value }) => [key, value]));

describe('mirror', () => {
  it('lists what stands below a prefix in the order of its keys, whatever came, changed or went', async () => {
    for (const key of ['b/2', 'a', 'b/1', 'b', 'c']) etcd.put(`/t/${key}`, '1');
    const mirror = start();
    await mirror.ready();
    const below = (prefix: string) => mirror.entries(prefix).map(({ key, value }) => `${key}=${value}`);
    expect(below('/t/b/')).toEqual(['/t/b/1=1', '/t/b/2=1']);
    etcd.put('/t/b/1', '2');
    etcd.put('/t/b/10', '1');
    await settle();
    expect(below('/t/b/')).toEqual(['/t/b/1=2', '/t/b/10=1', '/t/b/2=1']);
    etcd.delete('/t/b/10');
    etcd.put('/t/c', '2');
    await settle();
    expect(below('/t/')).toEqual(['/t/a=1', '/t/b=1', '/t/b/1=2', '/t/b/2=1', '/t/c=2']);
    expect(below('/t/d')).toEqual([]);
  });

  it('remembers what a key held last, also when both came at once, until the next list', async () => {
    etcd.put('/t/a', '1');
    etcd.put('/t/b', '1');
    const mirror = start();
    await mirror.ready();
    etcd.put('/t/a', '2');
    etcd.delete('/t/a');
    etcd.delete('/t/b');
    await settle();
    expect([mirror.get('/t/a'), mirror.get('/t/b')]).toEqual([null, null]);
    expect(mirror.former('/t/a')?.value).toBe('2');
    // Not below the prefix that is to be remembered.
    expect(mirror.former('/t/b')).toBeNull();
    etcd.cutWatches();
    await settle(10_000);
    expect(mirror.former('/t/a')).toBeNull();
    etcd.put('/t/a', '3');
    await settle();
    expect(mirror.former('/t/a')).toBeNull();
  });

  it('lists once, then follows the watch: no range reads in steady state', async () => {
    etcd.put('/t/a', '1');
    etcd.put('/other', 'x');
    const mirror = start();
    await mirror.ready();
    expect(contents(mirror)).toEqual({ '/t/a': '1' });
    expect(mirror.revision).toBe(3);
    etcd.put('/t/b', '2');
    etcd.delete('/t/a');
    await settle(60_000);
    expect(contents(mirror)).toEqual({ '/t/b': '2' });
    expect(mirror.revision).toBe(5);
    expect(seen).toEqual([['/t/a'], ['/t/b', '/t/a']]);
    expect(etcd.calls.get('list')).toBe(1);
  });

  it('tells the changes that it missed while the store was away', async () => {
    etcd.put('/t/a', '1');
    etcd.put('/t/b', '1');
    const mirror = start();
    await settle();
    seen.length = 0;
    etcd.goDown();
    await settle(20_000);
    expect(mirror.connected).toBe(false);
    expect(contents(mirror)).toEqual({ '/t/a': '1', '/t/b': '1' });
    etcd.put('/t/a', '2');
    etcd.delete('/t/b');
    etcd.put('/t/c', '1');
    etcd.compact();
    etcd.comeUp();
    await settle(5_000);
    expect(mirror.connected).toBe(true);
    expect(contents(mirror)).toEqual({ '/t/a': '2', '/t/c': '1' });
    expect(seen).toEqual([['/t/a', '/t/c', '/t/b']]);
  });

  it('lists again when the history that it wants was compacted between list and watch', async () => {
    etcd.put('/t/a', '1');
    let compactions = 0;
    etcd.intercept = (call) => {
      if (call !== 'watch' || compactions > 0) return;
      compactions += 1;
      etcd.put('/t/a', '2');
      etcd.put('/t/a', '3');
      etcd.compact();
    };
    const mirror = start();
    await settle(1_000);
    expect(contents(mirror)).toEqual({ '/t/a': '3' });
    expect(etcd.calls.get('list')).toBe(2);
    expect(mirror.connected).toBe(true);
  });

  it('loses nothing when the watch is cut right after it was opened, again and again', async () => {
    const mirror = start();
    await settle();
    for (let round = 1; round <= 20; round += 1) {
      etcd.put('/t/n', String(round));
      etcd.cutWatches();
      await settle(30);
    }
    await settle(6_000);
    expect(contents(mirror)).toEqual({ '/t/n': '20' });
  });

  it('backs off while the watch does not last, and warns with a growing streak', async () => {
    start();
    etcd.intercept = (call) => {
      if (call === 'watch') queueMicrotask(() => setTimeout(() => etcd.cutWatches(), 1));
    };
    await settle(30_000);
    expect(troubles.length).toBeGreaterThan(5);
    expect(troubles.length).toBeLessThan(25);
    expect(troubles.at(-1)).toMatch(new RegExp(`^${troubles.length} `));
  });

  it('ignores changes that come twice, also those of keys that have gone since', async () => {
    const mirror = start();
    await settle();
    etcd.put('/t/a', '1');
    etcd.put('/t/b', '1');
    etcd.delete('/t/a');
    await settle();
    seen.length = 0;
    etcd.repeatLastChanges(3);
    await settle();
    expect(contents(mirror)).toEqual({ '/t/b': '1' });
    expect(mirror.revision).toBe(4);
    etcd.cutWatches();
    await settle(1_000);
    etcd.repeatLastChanges(3);
    await settle();
    expect(contents(mirror)).toEqual({ '/t/b': '1' });
    expect(seen).toEqual([]);
  });

  it('keeps its copy and says so while the store answers with an older history', async () => {
    etcd.put('/t/a', '1');
    etcd.put('/t/a', '2');
    const mirror = start();
    await settle();
    etcd.revision = 1;
    etcd.cutWatches();
    await settle(1_000);
    expect(mirror.connected).toBe(false);
    expect(mirror.revision).toBe(3);
    expect(contents(mirror)).toEqual({ '/t/a': '2' });
    expect(mirror.restored).toMatch(/revision 1 after 3: it was restored, or is another one; .* restart/);
    expect(troubles.at(-1)).toContain(mirror.restored);
    etcd.revision = 3;
    await settle(6_000);
    expect([mirror.connected, mirror.restored]).toEqual([true, null]);
  });

  it('does not take a store that is away for one with an older history', async () => {
    const mirror = start();
    await settle();
    etcd.goDown();
    await settle(5_000);
    expect([mirror.connected, mirror.restored]).toEqual([false, null]);
  });

  it('heals a drift at the next resync', async () => {
    const mirror = start();
    await settle();
    etcd.deafWatches = 1;
    etcd.cutWatches();
    await settle(1_000);
    etcd.put('/t/a', '1');
    await settle(1_000);
    expect(contents(mirror)).toEqual({});
    await settle(6 * 60_000);
    expect(contents(mirror)).toEqual({ '/t/a': '1' });
  });

  it('starts with the store away, and is ready when it has come', async () => {
    etcd.goDown();
    const mirror = start();
    let ready = false;
    void mirror.ready().then(() => {
      ready = true;
    });
    await settle(10_000);
    expect(ready).toBe(false);
    etcd.comeUp();
    await settle(6_000);
    expect(ready).toBe(true);
  });

  it('tells when the connection comes and goes', async () => {
    const mirror = start();
    const told: boolean[] = [];
    mirror.onConnection((connected) => told.push(connected));
    await settle();
    etcd.goDown();
    await settle(1_000);
    etcd.comeUp();
    await settle(6_000);
    expect(told).toEqual([true, false, true]);
  });

  it('ends with its signal and leaves no timer', async () => {
    const mirror = start();
    await settle();
    stop.abort(new Error('stopped'));
    await settle();
    etcd.put('/t/a', '1');
    await settle();
    expect(mirror.connected).toBe(false);
    expect(contents(mirror)).toEqual({});
    expect(vi.getTimerCount()).toBe(0);
  });

  it('refuses to be ready when it is stopped before the first list', async () => {
    etcd.goDown();
    const mirror = start();
    stop.abort(new Error('stopped'));
    await settle();
    await expect(mirror.ready()).rejects.toThrow('stopped');
  });
});
