// The routing table in force, and who may change it. Entries are checked one by one: a bad one is refused with its
// problems while the service's former entry stays. Opens no socket and no file.
//
// INVARIANTS
// - An entry that is the same value as before costs nothing: a table of thousands changes as quickly as one of few.
// - What can fail happens before the swap, and the table before stays in force until then. The swap itself runs
//   synchronously to its end: the next table, and the next entry of every service that changes.
// - What comes before it and what follows from it takes slices, with requests in between, where it takes long.
// - A table is acknowledged once all that follows from it is done. One comes after the other.
// - The version never goes back. Version 0 is a table of unknown age, from a snapshot: served, and replaced by any other.
import type { Acknowledgement, TableSink, TableUpdate } from '../control.ts';
import { Claims } from './claims.ts';
import { type ParsedEntry, parseEntry } from './entry.ts';
import { Service } from './service.ts';
import { runInSlices, type Steps } from './slices.ts';
import type { ServiceEntry } from './table.ts';

const SERVICE_NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const BAD_NAME: ParsedEntry = {
  ok: false,
  problems: ['name: expected a DNS label of 1 to 40 characters of a-z0-9-'],
};

interface Table {
  readonly version: number;
  readonly claims: Claims;
  readonly services: ReadonlyMap<string, Service>;
  readonly refused: Readonly<Record<string, string>>;
}

/** What is to be swapped in. */
interface Prepared {
  readonly table: Table;
  readonly changed: readonly (readonly [Service, ServiceEntry])[];
  readonly gone: readonly Service[];
}

export class Router implements TableSink {
  readonly #sliceMs: number | undefined;
  #table: Table = { version: 0, claims: new Claims(), services: new Map(), refused: {} };
  /** The last table from which all has followed. */
  #settled: Pick<Table, 'version' | 'refused'> = this.#table;
  /** The last update to come, while it is not settled. */
  #last: Promise<void> | null = null;
  /** Services that left the table and still have requests in flight. */
  readonly #leaving = new Map<string, Service>();
  readonly #listeners: (() => void)[] = [];

  /** 0 makes every step a slice. */
  constructor(sliceMs?: number) {
    this.#sliceMs = sliceMs;
  }

  /** In force in the turn of the caller where that takes no longer than a slice, and no other is under way. */
  async apply(update: TableUpdate): Promise<Acknowledgement> {
    const run = (): Promise<void> => runInSlices(this.#swap(update), this.#sliceMs);
    const settled = this.#last === null ? run() : this.#last.then(run, run);
    this.#last = settled;
    try {
      await settled;
    } finally {
      if (this.#last === settled) this.#last = null;
    }
    return this.acknowledgement();
  }

  acknowledgement(): Acknowledgement {
    const busy: Record<string, number> = {};
    for (const service of [...this.#table.services.values(), ...this.#leaving.values()]) {
      for (const target of service.targets.busy()) busy[target.id] = (busy[target.id] ?? 0) + target.inFlight;
    }
    return { applied: this.#settled.version, busy, refused: this.#settled.refused };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The entries in force as they came: what a snapshot keeps. */
  entries(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#table.services].map(([name, service]) => [name, service.entry.raw]));
  }

  get version(): number {
    return this.#table.version;
  }

  /** Of the table and of the past: everything that still has numbers to tell. */
  services(): readonly Service[] {
    return [...this.#table.services.values(), ...this.#leaving.values()];
  }

  /** The service whose preview has this host; its header, if it wants one, is the caller's to compare. */
  findPreview(host: string): Service | null {
    return this.#table.claims.previews.findHost(host);
  }

  find(host: string, path: string): Service | null {
    return this.#table.claims.routes.find(host, path);
  }

  *#swap(update: TableUpdate): Steps<void> {
    if (update.version < this.#table.version) return;
    const { table, changed, gone } = yield* this.#prepare(update);
    this.#table = table;
    for (const [service, entry] of changed) {
      service.assign(entry);
      this.#leaving.delete(service.name);
    }
    for (const service of gone) {
      service.remove();
      this.#leaving.set(service.name, service);
    }
    for (const service of [...changed.map(([each]) => each), ...gone]) {
      service.follow();
      service.lot.wakeAll();
      yield;
    }
    this.#settled = table;
    this.#tell();
  }

  *#prepare(update: TableUpdate): Steps<Prepared> {
    const before = this.#table;
    const { entries, refused } = yield* this.#parseChanges(update);
    const gone = [...before.services.values()].filter(({ name }) => !Object.hasOwn(update.services, name));
    yield;
    const claims = new Claims(before.claims);
    yield;
    const services = new Map(before.services);
    yield;
    for (const service of gone) {
      claims.release(service.entry, service);
      services.delete(service.name);
    }
    // Who changes lets go of what it no longer asks for; what it had and asks for still, it holds against newcomers.
    for (const [name, entry] of entries) {
      const service = before.services.get(name);
      if (service !== undefined) claims.narrow(service, entry);
      yield;
    }
    const changed: (readonly [Service, ServiceEntry])[] = [];
    for (const name of this.#byPrecedence(entries.keys())) {
      const entry = entries.get(name);
      if (entry === undefined) continue;
      const conflict = claims.findConflict(entry, name);
      if (conflict !== null) refused[name] = conflict;
      const accepted = conflict === null ? entry : before.services.get(name)?.entry;
      if (accepted === undefined) continue;
      const service = this.#serviceOf(name, accepted);
      claims.grant(accepted, service);
      services.set(name, service);
      changed.push([service, accepted]);
      yield;
    }
    return { table: { version: update.version, claims, services, refused }, changed, gone };
  }

  /**
   * Of entries that are not what they were, and of those that were refused: what may be in their way has perhaps gone. One
   * that does not parse leaves the former one in force.
   */
  *#parseChanges(update: TableUpdate): Steps<{
    entries: Map<string, ServiceEntry>;
    refused: Record<string, string>;
  }> {
    const { services, refused: formerly } = this.#table;
    const entries = new Map<string, ServiceEntry>();
    const refused: Record<string, string> = {};
    for (const [name, value] of Object.entries(update.services)) {
      yield;
      const former = services.get(name)?.entry;
      if (former?.raw === value && formerly[name] === undefined) continue;
      const parsed = SERVICE_NAME.test(name) ? parseEntry(value) : BAD_NAME;
      if (!parsed.ok) refused[name] = parsed.problems.join('; ');
      const entry = parsed.ok ? parsed.entry : former;
      if (entry !== undefined) entries.set(name, entry);
    }
    return { entries, refused };
  }

  /** Who holds a host and path keeps it; among newcomers the name decides. */
  #byPrecedence(names: Iterable<string>): readonly string[] {
    const held = this.#table.services;
    const sorted = [...names].sort();
    return [...sorted.filter((name) => held.has(name)), ...sorted.filter((name) => !held.has(name))];
  }

  #serviceOf(name: string, entry: ServiceEntry): Service {
    const present = this.#table.services.get(name) ?? this.#leaving.get(name);
    return present ?? new Service(name, entry, () => this.#tell());
  }

  /** A table has been settled, or the last request of a retired target has ended. */
  #tell(): void {
    for (const [name, service] of this.#leaving) if (service.targets.isEmpty) this.#leaving.delete(name);
    for (const listener of this.#listeners) listener();
  }
}
