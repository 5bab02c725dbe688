import { beforeEach, describe, expect, it } from 'vitest';
import { startClock } from '../../../src/controller/clock.ts';
import type { Engine } from '../../../src/controller/engine.ts';
import type { Leader, Term } from '../../../src/controller/leader.ts';
import { Prober } from '../../../src/controller/prober.ts';
import { Reconciler } from '../../../src/controller/reconciler.ts';
import type { Mirror } from '../../../src/store/mirror.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { KEYS, SPEC } from './stage.ts';

const TERM: Term = {
  guard: { key: KEYS.leader, createRevision: 1 },
  lost: new AbortController().signal,
  validUntil: () => Number.POSITIVE_INFINITY,
};

let etcd: FakeEtcd;
let term: Term | null;
let followed: string[];
let observe: () => void;
let revision: number;

beforeEach(() => {
  etcd = new FakeEtcd();
  term = TERM;
  followed = [];
  observe = () => undefined;
  revision = etcd.put(KEYS.spec('web'), SPEC);
});

/** One that shows what stands, at a revision of the test's own choice. */
function mirror(): Mirror {
  const still = () => () => undefined;
  return {
    ...{ ready: async () => undefined, connected: true, since: 0, onChange: still, onConnection: still },
    get revision() {
      return revision;
    },
    get: (key) => etcd.get(key),
    restored: null,
    former: () => null,
    entries: (prefix) => etcd.entries(prefix),
  };
}

function leader(): Leader {
  return {
    isLeader: () => term !== null,
    term: () => term,
    guard: () => TERM.guard,
    permit: () => {
      const mine = term;
      return () => mine !== null && term === mine;
    },
    ...{ validUntil: () => 0, onChange: () => () => undefined, ended: Promise.resolve() },
  };
}

const ENGINE: Engine = {
  observe: async () => {
    observe();
    return [];
  },
  confirm: async () => undefined,
  stopping: () => new Set(),
  troubles: () => [],
  images: () => ({}),
  tailLog: async () => [],
  ...{ forgetTroubles: () => undefined, execute: () => undefined },
  ...{ keepImages: () => undefined, pruneImages: () => new Set<string>() },
};

class SeenProber extends Prober {
  override follow(service: string, targets: Parameters<Prober['follow']>[1]): void {
    followed.push(service);
    super.follow(service, targets);
  }
}

function reconciler(): Reconciler {
  const silent = { onChange: () => undefined, onTrouble: () => undefined };
  const probe = async () => ({ ok: true, detail: '' });
  const clock = startClock({ wall: () => 1_000_000, monotonic: () => 0 });
  return new Reconciler({
    store: { commit: async () => ({ ok: false }) },
    ...{ mirror: mirror(), keys: KEYS, leader: leader(), engine: ENGINE, clock },
    prober: new SeenProber({ now: clock.now, probe, ...silent }),
    review: async () => [],
    onPass: () => undefined,
  });
}

describe('a transaction that is lost', () => {
  it('is tried again ever later while the copy of the store stands still, and soon when it has moved', async () => {
    const of = reconciler();
    const waits: number[] = [];
    for (let i = 0; i < 12; i += 1) waits.push(((await of.pass('web')).wakeAt ?? 0) - 1_000_000);
    expect(waits).toEqual([20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000, 5000]);
    revision += 1;
    expect((await of.pass('web')).wakeAt).toBe(1_000_020);
  });
});

describe('leadership that goes while the engine is asked', () => {
  it.each([
    ['for good', null],
    ['and comes back', { ...TERM }],
  ])('%s, ends the pass: nothing is probed any more', async (_, next) => {
    observe = () => {
      term = next;
    };
    expect(await reconciler().pass('web')).toEqual({ wakeAt: null, again: false });
    expect(followed).toEqual([]);
  });

  it('while it stays, what was seen is followed', async () => {
    await reconciler().pass('web');
    expect(followed).toEqual(['web']);
  });
});
