// Whether writes are refused shows from the writes themselves, without any from a probe that writes nothing, and goes by
// itself.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreError, type StoreErrorCode } from '../../../src/store/errors.ts';
import { type WriteHealth, watchWrites } from '../../../src/store/write-health.ts';
import { FakeEtcd } from '../../fakes/store.ts';

let etcd: FakeEtcd;
let stop: AbortController;
let health: WriteHealth;
let told: (string | null)[];

beforeEach(() => {
  vi.useFakeTimers();
  etcd = new FakeEtcd();
  stop = new AbortController();
  told = [];
  health = watchWrites({ store: etcd.connect(), key: '/p/leader', signal: stop.signal });
  health.onChange((trouble) => told.push(trouble));
});
afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

const put = { guards: [], puts: [{ key: '/p/a', value: '1' }], deletes: [] };

function refuse(code: StoreErrorCode): void {
  etcd.intercept = (call) => {
    if (call === 'commit' || call === 'grantLease') throw new StoreError(code, `etcd: ${call}: ${code}`);
  };
}

describe('writes that etcd refuses', () => {
  it.each(['store-full', 'store-forbidden', 'store-unauthenticated'] as const)(
    '%s: are told once, and again when they are taken',
    async (code) => {
      refuse(code);
      await expect(health.store.commit(put)).rejects.toMatchObject({ code });
      await expect(health.store.grantLease(2_000)).rejects.toMatchObject({ code });
      expect(health.trouble()).toContain(code);
      etcd.intercept = null;
      await health.store.commit(put);
      expect(health.trouble()).toBeNull();
      expect(told).toEqual([expect.stringContaining('commit'), null]);
    },
  );

  it('are noticed without any, and so is their end: nothing is written for it', async () => {
    refuse('store-full');
    await vi.advanceTimersByTimeAsync(15_000);
    expect(health.trouble()).toContain('store-full');
    etcd.intercept = null;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toEqual([expect.any(String), null]);
    expect([etcd.entries(), etcd.revision]).toEqual([[], 1]);
  });

  it('are not told for an etcd that is away, or one transaction that is wrong', async () => {
    for (const code of ['store-unavailable', 'store-timeout', 'store-refused'] as const) {
      refuse(code);
      await expect(health.store.commit(put)).rejects.toMatchObject({ code });
    }
    expect(told).toEqual([]);
  });

  it('are not over with a deletion, which a full etcd takes', async () => {
    refuse('store-full');
    await expect(health.store.commit(put)).rejects.toMatchObject({ code: 'store-full' });
    etcd.intercept = null;
    await health.store.commit({ guards: [], puts: [], deletes: ['/p/a'] });
    expect(health.trouble()).not.toBeNull();
  });

  it('are not looked for after the signal', async () => {
    stop.abort();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(etcd.calls.get('commit')).toBeUndefined();
  });
});
