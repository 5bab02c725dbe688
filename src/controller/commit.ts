// A plan → one transaction: memory, route, revisions, history, quarantine and status land together or not at all, and
// only while this controller leads and nobody has written the record since it was read. Keys that are only swept away,
// and are too many for one transaction, go in transactions before it.
//
// INVARIANTS
// - the record goes with the last transaction: what was swept without it is swept again
// - the latest receipt stays, whatever the limits
import type { Plan, Revision } from '../../strategies/model.ts';
import type { Keys } from '../store/keys.ts';
import type { Entry, Guard, Transaction } from '../store/port.ts';
import type { Clock } from './clock.ts';
import type { Desired } from './desired.ts';
import { formatRecord } from './record.ts';
import { formatHistory } from './status.ts';

type Put = Transaction['puts'][number];

interface Draft {
  readonly desired: Desired;
  readonly plan: Plan;
  /** As it is written, when it says something new. */
  readonly status: string | null;
  readonly keys: Keys;
  /** What stands below the service now. */
  readonly existing: readonly Entry[];
  readonly now: number;
  readonly toWall: Clock['toWall'];
}

/** etcd takes 128 in one transaction unless told otherwise. */
const MOST_OPERATIONS = 100;
/** Receipts that are kept for each revision of `history`, and at least. */
const RECEIPTS_EACH = 5;
const LEAST_RECEIPTS = 20;
const MOST_QUARANTINED = 200;

/** To be committed one after the other, the next only if the one before has landed; empty when there is nothing to write. */
export function draftTransactions(draft: Draft, leader: Guard): readonly Transaction[] {
  const { desired, plan, keys } = draft;
  const record: Guard = { key: keys.rollout(desired.service), modRevision: desired.recordRevision };
  const { consume, retired } = plan.writes;
  const commands =
    consume === undefined ? [] : [{ key: keys.command(desired.service), modRevision: consume }];
  const isRetired = retired === true;
  const puts = isRetired ? [] : [...putRecord(draft), ...putWrites(draft), ...putStatus(draft)];
  const deletes = isRetired ? listLastRetired(draft) : listDeletes(draft);
  const swept = isRetired ? listRetired(draft) : listSwept(draft, new Set(puts.map(({ key }) => key)));
  const room = MOST_OPERATIONS - puts.length - deletes.length;
  const before = swept.slice(0, Math.max(0, swept.length - room));
  const last = [...swept.slice(before.length), ...deletes];
  if (puts.length + last.length === 0) return [];
  return [
    ...chunk(before).map((some) => ({ guards: [leader, record], puts: [], deletes: some })),
    { guards: [leader, record, ...commands], puts, deletes: last },
  ];
}

function chunk(all: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(all.length / MOST_OPERATIONS);
  return Array.from({ length: count }, (_, at) =>
    all.slice(at * MOST_OPERATIONS, (at + 1) * MOST_OPERATIONS),
  );
}

function putRecord({ desired, plan, keys, now: at }: Draft): readonly Put[] {
  const accepted = desired.specProblems.length > 0 ? desired.record.accepted : (desired.spec?.text ?? null);
  const record = { memory: plan.memory, accepted, at: desired.record.at };
  if (formatRecord(record) === desired.recordText) return [];
  return [{ key: keys.rollout(desired.service), value: formatRecord({ ...record, at }) }];
}

function putWrites({ desired, plan, keys, now, toWall }: Draft): readonly Put[] {
  const { writes } = plan;
  const shown = new Date(toWall(now)).toISOString();
  const { service } = desired;
  const puts: Put[] = [];
  if (writes.route != null) puts.push({ key: keys.route(service), value: JSON.stringify(writes.route) });
  for (const revision of writes.revisions ?? []) {
    const whole: Revision = { ...revision, created: shown };
    puts.push({ key: keys.revision(service, revision.number), value: JSON.stringify(whole) });
  }
  for (const finished of writes.finished ?? []) {
    puts.push({
      key: keys.history(service, finished.id),
      value: JSON.stringify(formatHistory(finished, toWall)),
    });
  }
  const { quarantine } = writes;
  if (quarantine === undefined) return puts;
  const { digest, ...why } = quarantine;
  const value = JSON.stringify({ ...why, at: shown });
  return [...puts, { key: keys.quarantine(service, digest), value }];
}

function putStatus({ desired, status, keys }: Draft): readonly Put[] {
  return status === null ? [] : [{ key: keys.status(desired.service), value: status }];
}

function listDeletes({ desired, plan, keys }: Draft): readonly string[] {
  const { writes } = plan;
  const { service } = desired;
  const deletes: string[] = [];
  if (writes.consume !== undefined) deletes.push(keys.command(service));
  if (writes.unquarantine !== undefined) deletes.push(keys.quarantine(service, writes.unquarantine));
  if (writes.route === null) deletes.push(keys.route(service));
  return deletes;
}

/** Revisions that are forgotten, and the oldest of what would grow for ever. */
function listSwept(draft: Draft, written: ReadonlySet<string>): readonly string[] {
  const { desired, plan, keys } = draft;
  const { service, spec } = desired;
  const forgotten = (plan.writes.forget ?? []).map((number) => keys.revision(service, number));
  const receipts = Math.max(LEAST_RECEIPTS, RECEIPTS_EACH * (spec?.spec.history ?? 0));
  const old = [
    ...listOldest(draft, keys.histories(service), receipts),
    ...listOldest(draft, keys.quarantines(service), MOST_QUARANTINED),
  ];
  const { unquarantine } = plan.writes;
  const lifted = unquarantine === undefined ? null : keys.quarantine(service, unquarantine);
  return [...forgotten, ...old.filter((key) => !written.has(key) && key !== lifted)];
}

function listOldest({ existing }: Draft, prefix: string, kept: number): readonly string[] {
  const found = existing.filter(({ key }) => key.startsWith(prefix));
  const oldestFirst = found.toSorted((a, b) => a.modRevision - b.modRevision);
  return oldestFirst.slice(0, Math.max(0, found.length - kept)).map(({ key }) => key);
}

// Everything that the controller wrote, history included; the operator's own keys stay the operator's.
function listRetired(draft: Draft): readonly string[] {
  const { desired, keys, existing } = draft;
  const { service } = desired;
  const others = new Set([
    ...[keys.spec(service), keys.version(service), keys.weights(service), keys.serviceFreeze(service)],
    ...[keys.command(service), ...listLastRetired(draft)],
  ]);
  return existing.map(({ key }) => key).filter((key) => !others.has(key));
}

/** A command that comes in this moment is not one that was seen. */
function listLastRetired({ desired, keys, existing }: Draft): readonly string[] {
  const { service } = desired;
  const seen = desired.command === null ? [] : [keys.command(service)];
  const own = [keys.status(service), keys.rollout(service)];
  const standing = new Set(existing.map(({ key }) => key));
  return [...seen, ...own.filter((key) => standing.has(key)), keys.route(service)];
}
