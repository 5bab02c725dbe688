// What a plan writes, as transactions: what grows is held within limits, and what is too much for one goes before it.
import { describe, expect, it } from 'vitest';
import { draftTransactions } from '../../../src/controller/commit.ts';
import { readDesired } from '../../../src/controller/desired.ts';
import { buildKeys } from '../../../src/store/keys.ts';
import type { Entry, Guard } from '../../../src/store/port.ts';
import type { FinishedRollout, Plan } from '../../../strategies/model.ts';

const keys = buildKeys('/p');
const LEADER: Guard = { key: keys.leader, createRevision: 7 };
const RECORD: Guard = { key: keys.rollout('web'), modRevision: 0 };
const REPORT: Plan['report'] = {
  ...{ phase: 'idle' as const, reason: null, message: '' },
  ...{ next: null, stable: null, candidate: null, step: null },
};

/** Keys that were written one after the other. */
function write(names: readonly string[], value = '{}'): Entry[] {
  return names.map((key, at) => ({ key, value, createRevision: at + 10, modRevision: at + 10 }));
}

const receipts = (count: number) =>
  Array.from({ length: count }, (_, at) => keys.history('web', `web-${at}`));
const digests = (count: number) => Array.from({ length: count }, (_, at) => keys.quarantine('web', `d${at}`));

function draft(entries: readonly Entry[], writes: Plan['writes'], specText: string | null = null) {
  const spec = specText === null ? [] : write([keys.spec('web')], specText);
  const all = [...entries, ...spec];
  const reader = {
    revision: 1_000,
    former: () => null,
    get: (key: string) => all.find((entry) => entry.key === key) ?? null,
    entries: (prefix = '') => all.filter((entry) => entry.key.startsWith(prefix)),
  };
  const desired = readDesired(reader, keys, 'web');
  const plan: Plan = { memory: desired.record.memory, writes, actions: [], report: REPORT, wakeAt: null };
  return draftTransactions(
    { desired, plan, keys, existing: all, now: 0, toWall: (at: number) => at, status: null },
    LEADER,
  );
}

const deleted = (drafted: ReturnType<typeof draft>) => drafted.map(({ deletes }) => deletes);

describe('receipts', () => {
  it.each([
    ['five for each revision of `history`', 'image: shop/web\nhistory: 6', 30],
    ['twenty at least', 'image: shop/web\nhistory: 1', 20],
    ['twenty where there is no spec', null, 20],
  ])('%s are kept: the oldest go', (_, spec, kept) => {
    const names = receipts(kept + 3);
    expect(deleted(draft(write(names), {}, spec))).toEqual([names.slice(0, 3)]);
    expect(deleted(draft(write(names.slice(3)), {}, spec)).flat()).toEqual([]);
  });

  it('of which one is written again is not deleted beside', () => {
    const [first = '', ...rest] = receipts(21);
    const id = first.slice(keys.histories('web').length);
    const finished = { id, startedAt: 0, endedAt: 1, evidence: [] } as unknown as FinishedRollout;
    const [only, ...more] = draft(write([first, ...rest]), { finished: [finished] });
    expect(more).toEqual([]);
    expect(only?.puts.map(({ key }) => key)).toContain(first);
    expect(only?.deletes).not.toContain(first);
  });
});

it('of the digests in quarantine the latest two hundred are kept', () => {
  const names = digests(202);
  expect(deleted(draft(write(names), {}))).toEqual([names.slice(0, 2)]);
});

describe('what is too much for one transaction', () => {
  const own = [keys.status('web'), keys.rollout('web'), keys.route('web')];
  const theirs = [keys.version('web'), keys.serviceFreeze('web')];

  it('goes before it, under the same guards; a retirement ends with the record', () => {
    const entries = [...write(receipts(200)), ...write([...own.slice(0, 2), ...theirs])];
    const drafted = draft(entries, { retired: true });
    expect(drafted.map(({ deletes }) => deletes.length)).toEqual([100, 3, 100]);
    expect(drafted.at(-1)?.deletes.slice(-3)).toEqual(own);
    expect(new Set(drafted.flatMap(({ deletes }) => deletes))).toEqual(new Set([...receipts(200), ...own]));
    const record = { ...RECORD, modRevision: 11 };
    for (const { guards, puts } of drafted) expect([guards, puts]).toEqual([[LEADER, record], []]);
  });

  it('is never more than etcd takes, whatever is forgotten', () => {
    const forget = Array.from({ length: 300 }, (_, at) => at + 1);
    const drafted = draft(write(receipts(150)), { forget }, 'image: shop/web\nhistory: 1');
    for (const { puts, deletes } of drafted) expect(puts.length + deletes.length).toBeLessThanOrEqual(100);
    expect(drafted.flatMap(({ deletes }) => deletes)).toHaveLength(300 + 130);
  });
});
