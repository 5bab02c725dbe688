// The routing table in force, and who may change it. Entries are checked one by one: a bad one is refused with its
// problems while the service's former entry stays. Opens no socket and no file.
//
// INVARIANTS
// - An entry that is the same value as before costs nothing: a table of thousands changes as quickly as one of few.
// - What can fail happens before the swap; the swap is one assignment and runs synchronously to its end.
// - The version never goes back. Version 0 is a table of unknown age, from a snapshot: served, and replaced by any other.
import type { Acknowledgement, TableSink, TableUpdate } from '../control.ts';
import { type ParsedEntry, parseEntry } from './entry.ts';
import { Lookup } from './lookup.ts';
import { Service } from './service.ts';
import type { ServiceEntry } from './table.ts';

const SERVICE_NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const BAD_NAME: ParsedEntry = {
  ok: false,
  problems: ['name: expected a DNS label of 1 to 40 characters of a-z0-9-'],
};

interface Table {
  readonly version: number;
  readonly routes: Lookup<Service>;
  readonly previews: Lookup<Service>;
  readonly services: ReadonlyMap<string, Service>;
  readonly refused: Readonly<Record<string, string>>;
}

export class Router implements TableSink {
  #table: Table = {
    version: 0,
    routes: new Lookup(),
    previews: new Lookup(),
    services: new Map(),
    refused: {},
  };
  /** Services that left the table and still have requests in flight. */
  readonly #leaving = new Map<string, Service>();
  readonly #listeners: (() => void)[] = [];

  async apply(update: TableUpdate): Promise<Acknowledgement> {
    if (update.version >= this.#table.version) this.#swap(update);
    return this.acknowledgement();
  }

  acknowledgement(): Acknowledgement {
    const busy: Record<string, number> = {};
    for (const service of [...this.#table.services.values(), ...this.#leaving.values()]) {
      for (const target of service.targets.busy()) busy[target.id] = (busy[target.id] ?? 0) + target.inFlight;
    }
    return { applied: this.#table.version, busy, refused: this.#table.refused };
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
    return this.#table.previews.findHost(host);
  }

  find(host: string, path: string): Service | null {
    return this.#table.routes.find(host, path);
  }

  #swap(update: TableUpdate): void {
    const before = this.#table;
    const { entries, refused } = this.#parseChanges(update);
    const gone = [...before.services.values()].filter(({ name }) => !Object.hasOwn(update.services, name));
    const claims = { routes: new Lookup(before.routes), previews: new Lookup(before.previews) };
    const services = new Map(before.services);
    for (const service of gone) {
      release(service.entry, service, claims);
      services.delete(service.name);
    }
    this.#releaseChanged(entries, claims);
    const changed: Service[] = [];
    for (const name of this.#byPrecedence(entries.keys())) {
      const entry = entries.get(name);
      if (entry === undefined) continue;
      const conflict = findConflict(entry, name, claims);
      if (conflict !== null) refused[name] = conflict;
      const accepted = conflict === null ? entry : before.services.get(name)?.entry;
      if (accepted === undefined) continue;
      const service = this.#serviceOf(name, accepted);
      claim(accepted, service, claims);
      services.set(name, service);
      entries.set(name, accepted);
      changed.push(service);
    }
    this.#table = { version: update.version, ...claims, services, refused };
    for (const service of changed) service.replace(entries.get(service.name) ?? service.entry);
    this.#retire(gone, changed);
    this.#announce();
  }

  /**
   * Of entries that are not what they were, and of those that were refused: what may be in their way has perhaps gone. One
   * that does not parse leaves the former one in force.
   */
  #parseChanges(update: TableUpdate): {
    entries: Map<string, ServiceEntry>;
    refused: Record<string, string>;
  } {
    const { services, refused: formerly } = this.#table;
    const entries = new Map<string, ServiceEntry>();
    const refused: Record<string, string> = {};
    for (const [name, value] of Object.entries(update.services)) {
      const former = services.get(name)?.entry;
      if (former?.raw === value && formerly[name] === undefined) continue;
      const parsed = SERVICE_NAME.test(name) ? parseEntry(value) : BAD_NAME;
      if (!parsed.ok) refused[name] = parsed.problems.join('; ');
      const entry = parsed.ok ? parsed.entry : former;
      if (entry !== undefined) entries.set(name, entry);
    }
    return { entries, refused };
  }

  /** Who changes lets go of what it no longer asks for; what it had and asks for still, it holds against newcomers. */
  #releaseChanged(entries: ReadonlyMap<string, ServiceEntry>, claims: Claims): void {
    for (const [name, entry] of entries) {
      const service = this.#table.services.get(name);
      if (service === undefined) continue;
      const held = findHeld(service, entry, claims);
      release(service.entry, service, claims);
      claim(held, service, claims);
    }
  }

  /** Who holds a host and path keeps it; among newcomers the name decides. */
  #byPrecedence(names: Iterable<string>): readonly string[] {
    const held = this.#table.services;
    const rank = (name: string): number => (held.has(name) ? 0 : 1);
    return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }

  #serviceOf(name: string, entry: ServiceEntry): Service {
    const present = this.#table.services.get(name) ?? this.#leaving.get(name);
    return present ?? new Service(name, entry, () => this.#settle());
  }

  #retire(gone: readonly Service[], changed: readonly Service[]): void {
    for (const service of gone) {
      service.remove();
      this.#leaving.set(service.name, service);
    }
    for (const { name } of changed) this.#leaving.delete(name);
    this.#forgetIdle();
    for (const service of [...changed, ...gone]) service.lot.wakeAll();
  }

  /** The last request of a retired target has ended. */
  #settle(): void {
    this.#forgetIdle();
    this.#announce();
  }

  #forgetIdle(): void {
    for (const [name, service] of this.#leaving) if (service.targets.isEmpty) this.#leaving.delete(name);
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}

interface Claims {
  readonly routes: Lookup<Service>;
  readonly previews: Lookup<Service>;
}

type Asked = Pick<ServiceEntry, 'routes' | 'preview'>;

/** What the service has, and is to have still by its new entry. */
function findHeld(service: Service, entry: ServiceEntry, { routes, previews }: Claims): Asked {
  const host = entry.preview?.host ?? null;
  return {
    routes: entry.routes.filter(({ host, path }) => routes.ownerOf(host, path) === service),
    preview: host !== null && previews.findHost(host) === service ? entry.preview : null,
  };
}

function findConflict(entry: Asked, name: string, { routes, previews }: Claims): string | null {
  const isOther = (owner: Service | null): owner is Service => owner !== null && owner.name !== name;
  for (const { host, path } of entry.routes) {
    const owners = [routes.ownerOf(host, path), path === '/' ? previews.findHost(host) : null];
    const other = owners.find(isOther);
    if (other !== undefined) return `route ${host}${path} belongs to ${other.name}`;
  }
  const preview = entry.preview?.host ?? null;
  if (preview === null) return null;
  const other = [previews.findHost(preview), routes.ownerOf(preview, '/')].find(isOther);
  return other === undefined ? null : `preview host ${preview} belongs to ${other.name}`;
}

function claim({ routes, preview }: Asked, service: Service, claims: Claims): void {
  for (const { host, path } of routes) claims.routes.add(host, path, service);
  if (preview !== null && preview.host !== null) claims.previews.add(preview.host, '/', service);
}

function release({ routes, preview }: Asked, service: Service, claims: Claims): void {
  for (const { host, path } of routes) claims.routes.remove(host, path, service);
  if (preview !== null && preview.host !== null) claims.previews.remove(preview.host, '/', service);
}
