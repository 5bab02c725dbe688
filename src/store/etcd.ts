// The store on a real etcd. Assembles calls, watches and leases into the port; keeps track of what must be closed.
import type { ICompare, IKeyValue, IRequestOp } from 'etcd3';
import { EtcdCalls } from './etcd-calls.ts';
import { checkEtcdOptions, type EtcdOptions } from './etcd-client.ts';
import { EtcdLease } from './etcd-lease.ts';
import { endOfPrefix } from './etcd-range.ts';
import { type EtcdWatch, openWatch, type WatchTimes } from './etcd-watch.ts';
import type {
  Commit,
  Entry,
  Guard,
  Lease,
  Page,
  PageRequest,
  Store,
  Transaction,
  WatchListener,
} from './port.ts';

export type { EtcdOptions };

const WATCH_TIMES: WatchTimes = { openMs: 5_000, silenceMs: 4_000 };

/** Connects lazily: an etcd that is away shows in the first call, not here. Throws for options that cannot work. */
export function openEtcd(options: EtcdOptions): Store {
  checkEtcdOptions(options);
  return new EtcdStore(options);
}

class EtcdStore implements Store {
  readonly #calls: EtcdCalls;
  readonly #watches = new Set<EtcdWatch>();
  readonly #leases = new Set<EtcdLease>();

  constructor(options: EtcdOptions) {
    this.#calls = new EtcdCalls(options);
  }

  async list(prefix: string): Promise<{ readonly revision: number; readonly entries: readonly Entry[] }> {
    const key = Buffer.from(prefix);
    const range = await this.#calls.call({ what: `list ${prefix}`, repeatable: true }, (client) =>
      client.kv.range({ key, range_end: endOfPrefix(key) }),
    );
    return { revision: Number(range.header.revision), entries: range.kvs.map(toEntry) };
  }

  async page({ prefix, from, revision, limit }: PageRequest): Promise<Page> {
    const key = Buffer.from(from ?? prefix);
    const request = { key, range_end: endOfPrefix(Buffer.from(prefix)), limit, revision: revision ?? 0 };
    const range = await this.#calls.call({ what: `list ${prefix}`, repeatable: true }, (client) =>
      client.kv.range(request),
    );
    const last = range.kvs.at(-1);
    return {
      revision: revision ?? Number(range.header.revision),
      entries: range.kvs.map((kv) => ({ ...toEntry(kv), isLeased: Number(kv.lease) !== 0 })),
      // The key right after it, in etcd's order of bytes.
      next: range.more && last ? `${last.key.toString()}\0` : null,
    };
  }

  async get(key: string): Promise<Entry | null> {
    const range = await this.#calls.call({ what: `get ${key}`, repeatable: true }, (client) =>
      client.kv.range({ key: Buffer.from(key) }),
    );
    const [found] = range.kvs;
    return found ? toEntry(found) : null;
  }

  async watch(prefix: string, fromRevision: number, listener: WatchListener): Promise<{ close(): void }> {
    const request = { prefix, fromRevision, listener };
    const watch = await openWatch(this.#calls, request, WATCH_TIMES, (ended) => this.#watches.delete(ended));
    this.#watches.add(watch);
    return watch;
  }

  /** Never repeated once it may have landed: an error that is `transient` leaves that open. */
  async commit({ guards, puts, deletes }: Transaction): Promise<Commit> {
    const what = `commit ${[...puts.map(({ key }) => key), ...deletes].join(', ') || 'nothing'}`;
    const success: IRequestOp[] = [
      ...puts.map(({ key, value, lease }) => ({
        request_put: {
          key: Buffer.from(key),
          value: Buffer.from(value),
          ...(lease ? { lease: lease.id } : {}),
        },
      })),
      ...deletes.map((key) => ({ request_delete_range: { key: Buffer.from(key) } })),
    ];
    const answer = await this.#calls.call({ what, repeatable: false }, (client) =>
      client.kv.txn({ compare: guards.map(toCompare), success, failure: [] }),
    );
    return answer.succeeded ? { ok: true, revision: Number(answer.header.revision) } : { ok: false };
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    const what = `grant a lease of ${ttlMs} ms`;
    let sentAt = performance.now();
    const granted = await this.#calls.call({ what, repeatable: true }, (client) => {
      sentAt = performance.now();
      return client.leaseClient.leaseGrant({ TTL: Math.max(1, Math.ceil(ttlMs / 1_000)) });
    });
    const grant = { id: granted.ID, ttlMs: Number(granted.TTL) * 1_000, sentAt };
    const lease = new EtcdLease(this.#calls, grant, (ended) => this.#leases.delete(ended));
    this.#leases.add(lease);
    return lease;
  }

  async close(): Promise<void> {
    for (const watch of [...this.#watches]) watch.close();
    for (const lease of [...this.#leases]) lease.end(`lease ${lease.id}: the store was closed`);
    this.#calls.close();
  }
}

function toEntry(kv: IKeyValue): Entry {
  return {
    key: kv.key.toString(),
    value: kv.value.toString(),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
  };
}

function toCompare(guard: Guard): ICompare {
  const key = Buffer.from(guard.key);
  return 'modRevision' in guard
    ? { key, result: 'Equal', target: 'Mod', mod_revision: guard.modRevision }
    : { key, result: 'Equal', target: 'Create', create_revision: guard.createRevision };
}
