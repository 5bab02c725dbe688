// Carries out a restore's plan in the store: as the leader, so that no controller acts in the middle, and in transactions
// that every etcd takes. Decides nothing about what is written.
import { hostname } from 'node:os';
import type { Guard, Lease, Store, Transaction } from '../store/port.ts';
import type { Client } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import type { Outside } from './outside.ts';
import type { Group, Operation, RestorePlan } from './restore-plan.ts';

/** etcd refuses more than 128 operations in one transaction, and more than 1.5 MiB in one request. */
const MOST_OPERATIONS = 120;
const MOST_BYTES = 1024 * 1024;
const LEAD_MS = 10_000;
const TRIES = 5;

export interface Lead {
  readonly guard: Guard;
  giveBack(): Promise<void>;
}

/** Null while no controller leads. */
export async function refuseLeader({ store, keys, config }: Client): Promise<void> {
  if ((await store.get(keys.leader)) === null) return;
  throw new CommandFailure(
    EXIT.failed,
    `a controller leads under ${config.prefix}, and would act on what it still remembers and on what is half restored: ` +
      'stop every `slipway serve` of this prefix, or give --force to hold it off meanwhile',
  );
}

/** Takes the lead, also from a controller that has it: it leads again when this is given back. */
export async function takeLead({ store, keys }: Client): Promise<Lead> {
  const key = keys.leader;
  const lease = await store.grantLease(LEAD_MS);
  const value = JSON.stringify({
    id: `restore-${hostname()}-${process.pid}`,
    host: hostname(),
    pid: process.pid,
  });
  for (let tries = 0; tries < TRIES; tries += 1) {
    const holder = await store.get(key);
    // A key that is deleted and made anew is a new term: what its holder still sends is refused.
    if (holder !== null) {
      const { modRevision } = holder;
      await store.commit({ guards: [{ key, modRevision }], puts: [], deletes: [key] });
    }
    const puts = [{ key, value, lease }];
    const won = await store.commit({ guards: [{ key, createRevision: 0 }], puts, deletes: [] });
    if (won.ok) return { guard: { key, createRevision: won.revision }, giveBack: () => giveBack(lease) };
  }
  await giveBack(lease);
  throw new CommandFailure(
    EXIT.failed,
    `${key}: controllers take the lead faster than this: stop them, and try again`,
  );
}

async function giveBack(lease: Lease): Promise<void> {
  if (!lease.lost.aborted) await lease.revoke();
}

/** Resolves when all of it has landed. */
export async function writePlan(
  outside: Outside,
  store: Store,
  { guard }: Lead,
  { stages }: RestorePlan,
): Promise<void> {
  const landed = new Map<string, number>();
  for (const stage of stages) {
    // A stage is drafted when those before it have landed: it may speak of their revisions.
    for (const { puts, deletes } of packGroups(stage, landed)) {
      if (outside.signal.aborted) throw stopped(EXIT.interrupted, 'interrupted');
      const commit = await store.commit({ guards: [guard], puts, deletes });
      if (!commit.ok) throw stopped(EXIT.failed, 'somebody else leads now');
      for (const { key } of puts) landed.set(key, commit.revision);
    }
  }
}

function stopped(exit: typeof EXIT.interrupted | typeof EXIT.failed, why: string): CommandFailure {
  return new CommandFailure(
    exit,
    `${why}: the backup is restored in part, and what is missing is left alone; restore it again with --replace`,
  );
}

type Writing = Pick<Transaction, 'puts' | 'deletes'>;

/** As few transactions as etcd's limits allow; a group is never torn. */
export function packGroups(
  groups: readonly Group[],
  landed: ReadonlyMap<string, number>,
): readonly Writing[] {
  const packed: { puts: { key: string; value: string }[]; deletes: string[]; bytes: number }[] = [];
  for (const group of groups) {
    const drafts = group.map((operation) => draft(operation, landed));
    const bytes = drafts.reduce(
      (sum, { key, value }) => sum + Buffer.byteLength(key) + Buffer.byteLength(value ?? ''),
      0,
    );
    const last = packed.at(-1);
    const fits =
      last !== undefined &&
      last.puts.length + last.deletes.length + drafts.length <= MOST_OPERATIONS &&
      last.bytes + bytes <= MOST_BYTES;
    const into = fits ? last : { puts: [], deletes: [], bytes: 0 };
    if (!fits && drafts.length > 0) packed.push(into);
    into.bytes += bytes;
    for (const { key, value } of drafts) {
      if (value === null) into.deletes.push(key);
      else into.puts.push({ key, value });
    }
  }
  return packed;
}

function draft(
  operation: Operation,
  landed: ReadonlyMap<string, number>,
): { key: string; value: string | null } {
  return { key: operation.key, value: operation.kind === 'put' ? operation.value(landed) : null };
}
