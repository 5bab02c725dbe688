// A plan → one transaction: memory, route, revisions, history, quarantine and status land together or not at all, and
// only while this controller leads and nobody has written the record since it was read.
import type { Plan, Revision } from '../../strategies/model.ts';
import type { Keys } from '../store/keys.ts';
import type { Guard, Transaction } from '../store/port.ts';
import type { Clock } from './clock.ts';
import type { Desired } from './desired.ts';
import { formatRecord } from './record.ts';
import { formatHistory, type StatusDocument } from './status.ts';

type Put = Transaction['puts'][number];

interface Draft {
  readonly desired: Desired;
  readonly plan: Plan;
  readonly status: StatusDocument | null;
  readonly keys: Keys;
  /** Keys of the service that exist now: what a retirement deletes. */
  readonly existing: readonly string[];
  readonly now: number;
  readonly toWall: Clock['toWall'];
}

/** Null when there is nothing to write. */
export function draftTransaction(draft: Draft, leader: Guard): Transaction | null {
  const { desired, plan, keys } = draft;
  const recordKey = keys.rollout(desired.service);
  const guards: Guard[] = [leader, { key: recordKey, modRevision: desired.recordRevision }];
  const { consume } = plan.writes;
  if (consume !== undefined) guards.push({ key: keys.command(desired.service), modRevision: consume });
  if (plan.writes.retired === true) return { guards, puts: [], deletes: listRetired(draft) };
  const puts = [...putRecord(draft), ...putWrites(draft), ...putStatus(draft)];
  const deletes = listDeletes(draft);
  return puts.length + deletes.length === 0 ? null : { guards, puts, deletes };
}

function putRecord({ desired, plan, keys, now: at }: Draft): readonly Put[] {
  const accepted = desired.specProblems.length > 0 ? desired.record.accepted : (desired.spec?.text ?? null);
  const record = { memory: plan.memory, accepted, at: desired.record.at };
  const stands = desired.recordRevision === 0 ? null : formatRecord(desired.record);
  if (formatRecord(record) === stands) return [];
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
  return status === null ? [] : [{ key: keys.status(desired.service), value: JSON.stringify(status) }];
}

function listDeletes({ desired, plan, keys }: Draft): readonly string[] {
  const { writes } = plan;
  const { service } = desired;
  const deletes: string[] = [];
  if (writes.consume !== undefined) deletes.push(keys.command(service));
  if (writes.unquarantine !== undefined) deletes.push(keys.quarantine(service, writes.unquarantine));
  if (writes.route === null) deletes.push(keys.route(service));
  for (const number of writes.forget ?? []) deletes.push(keys.revision(service, number));
  return deletes;
}

// Everything that the controller wrote, history included; the operator's own keys stay the operator's.
function listRetired({ desired, keys, existing }: Draft): readonly string[] {
  const { service } = desired;
  const theirs = new Set([
    keys.spec(service),
    keys.version(service),
    keys.weights(service),
    keys.serviceFreeze(service),
  ]);
  return [...existing.filter((key) => !theirs.has(key)), keys.route(service)];
}
