// The bridge between the store and a proxy: routes in, as whole tables; acknowledgements out, under the proxy's own key.
// Does not look into a route: a bad one is refused by the proxy, alone. Without the store the proxy serves on.
//
// INVARIANTS
// - the key stands before the first table is served, so that a controller waits for us before it stops a target
// - a table's version is the revision up to which it is complete; versions only grow
// - of a store with another history nothing is acknowledged: its revisions are not those of our tables
// - the snapshot is written after a table was applied, never before, and never holds up an acknowledgement
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Acknowledgement, TableSink, TableUpdate } from '../../proxy/control.ts';
import { buildKeys, classifyKey } from '../store/keys.ts';
import { type Mirror, startMirror } from '../store/mirror.ts';
import type { Store } from '../store/port.ts';
import { type Registration, register } from './registration.ts';

export interface ProxyLinkOptions {
  readonly store: Store;
  readonly prefix: string;
  readonly sink: TableSink;
  readonly id: string;
  /** Of this program. */
  readonly version: string;
  readonly addresses: { readonly http: string; readonly https?: string; readonly admin: string };
  /** The last table that was applied here, or null when there is none; used only while the store is away at the start. */
  readonly readSnapshot: () => Promise<TableUpdate | null>;
  /** Atomically: a new file, then a rename. */
  readonly writeSnapshot: (update: TableUpdate) => Promise<void>;
  /** Aborts after the proxy's last request has ended: until then controllers must know of it. */
  readonly signal: AbortSignal;
  readonly ttlMs?: number;
  /** How long the store may take at the start before the snapshot is served. 1 s by default. */
  readonly snapshotAfterMs?: number;
  /** `what` is a constant word; `streak` counts, so that a caller warns once. */
  readonly onTrouble?: (what: LinkTrouble, error: unknown, streak: number) => void;
}

export type LinkTrouble =
  | 'routes'
  | 'registration'
  | 'table-refused'
  | 'snapshot-unreadable'
  | 'snapshot-unwritten';

export interface ProxyLink {
  /** Resolves after the first table, from the store or from the snapshot, was applied, or when the signal aborts. */
  readonly serving: Promise<void>;
  readonly connected: () => boolean;
  /** What is wrong with the tables of the store while the last good one is served; null when nothing is. */
  readonly trouble: () => string | null;
  /** Resolves when everything has ended after the signal. */
  readonly ended: Promise<void>;
}

const DEFAULT_TTL_MS = 10_000;
const SNAPSHOT_AFTER_MS = 1_000;
/** Routes that are read before requests get their turn. */
const AT_ONCE = 200;

/** Starts at once and goes on until the signal aborts. */
export function linkProxy(options: ProxyLinkOptions): ProxyLink {
  return new Link(options);
}

class Link implements ProxyLink {
  readonly serving: Promise<void>;
  readonly ended: Promise<void>;
  readonly #options: ProxyLinkOptions;
  readonly #mirror: Mirror;
  readonly #registration: Registration;
  readonly #first = Promise.withResolvers<void>();
  #applied = -1;
  #applying: Promise<void> = Promise.resolve();
  #isApplying = false;
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #unsaved: TableUpdate | null = null;
  /** Of the last table, by key: what has not changed is the same value in the next one. */
  #routes: ReadonlyMap<string, Route> = new Map();

  constructor(options: ProxyLinkOptions) {
    const { store, prefix, sink, id, version, addresses, signal, ttlMs = DEFAULT_TTL_MS } = options;
    const keys = buildKeys(prefix);
    this.#options = options;
    this.serving = this.#first.promise;
    this.#mirror = startMirror({
      store,
      prefix: keys.routes,
      signal,
      onTrouble: (error, streak) => {
        options.onTrouble?.('routes', error, streak);
        this.#registration.refresh();
      },
    });
    this.#registration = register({
      ...{ store, id, version, addresses, ttlMs, signal },
      key: keys.proxy(id),
      acknowledgement: () => this.#acknowledge(),
      onTrouble: (error, streak) => options.onTrouble?.('registration', error, streak),
    });
    sink.onChange(() => this.#registration.refresh());
    this.ended = this.#run();
  }

  connected = (): boolean => this.#mirror.connected;

  trouble = (): string | null => this.#mirror.restored;

  async #run(): Promise<void> {
    const { signal, snapshotAfterMs = SNAPSHOT_AFTER_MS } = this.#options;
    const synced = Promise.all([this.#mirror.ready(), this.#registration.registered]).then(
      () => true,
      () => false,
    );
    const late = new AbortController();
    const timeout = sleep(snapshotAfterMs, false, { signal: late.signal }).catch(() => false);
    if (!(await Promise.race([synced, timeout])) && !signal.aborted) await this.#applySnapshot();
    late.abort();
    await synced;
    if (!signal.aborted) this.#mirror.onChange(() => this.#follow());
    if (!signal.aborted) this.#follow();
    await this.#registration.ended;
    await this.#applying;
    await this.#saving;
    this.#first.resolve();
  }

  #acknowledge(): Acknowledgement {
    const said = this.#options.sink.acknowledgement();
    return this.#mirror.restored === null ? said : { ...said, applied: 0 };
  }

  async #applySnapshot(): Promise<void> {
    try {
      const snapshot = await this.#options.readSnapshot();
      // It may be older than what this proxy once acknowledged: served, but not acknowledged.
      if (snapshot) await this.#apply({ version: 0, services: snapshot.services });
    } catch (error) {
      this.#options.onTrouble?.('snapshot-unreadable', error, 1);
    }
  }

  /** One table at a time; whatever has changed meanwhile is in the next. */
  #follow(): void {
    if (!this.#isApplying) this.#applying = this.#catchUp();
  }

  /** `#isApplying` falls in the same turn as the last check, so that no change slips in between. */
  async #catchUp(): Promise<void> {
    this.#isApplying = true;
    for (let streak = 0; !this.#options.signal.aborted && this.#applied < this.#mirror.revision; ) {
      const update = await this.#buildTable();
      try {
        await this.#apply(update);
        this.#save(update);
        streak = 0;
      } catch (error) {
        streak += 1;
        this.#options.onTrouble?.('table-refused', error, streak);
        const { signal } = this.#options;
        await sleep(Math.min(2_000, 50 * 2 ** streak), undefined, { signal }).catch(() => undefined);
      }
    }
    this.#isApplying = false;
  }

  async #apply(update: TableUpdate): Promise<void> {
    await this.#options.sink.apply(update);
    this.#applied = update.version;
    this.#registration.refresh();
    this.#first.resolve();
  }

  /** Of the routes as they are now, whatever comes while they are read. */
  async #buildTable(): Promise<TableUpdate> {
    const { revision } = this.#mirror;
    const services: Record<string, unknown> = {};
    const routes = new Map<string, Route>();
    let read = 0;
    for (const { key, value } of this.#mirror.entries()) {
      const before = this.#routes.get(key);
      const isSame = before?.text === value;
      if (!isSame) read += 1;
      if (!isSame && read % AT_ONCE === 0) await setImmediate();
      const route = isSame ? before : this.#readRoute(key, value);
      routes.set(key, route);
      if (route.service !== null) services[route.service] = route.entry;
    }
    this.#routes = routes;
    return { version: revision, services };
  }

  #readRoute(key: string, text: string): Route {
    const shape = classifyKey(this.#options.prefix, key);
    const service = shape.kind === 'route' ? shape.service : null;
    return { text, service, entry: service === null ? null : parseRoute(text) };
  }

  #save(update: TableUpdate): void {
    this.#unsaved = update;
    if (!this.#isSaving) this.#saving = this.#writeSnapshots();
  }

  async #writeSnapshots(): Promise<void> {
    this.#isSaving = true;
    for (let next = this.#unsaved; next; next = this.#unsaved) {
      this.#unsaved = null;
      await this.#options.writeSnapshot(next).catch((error: unknown) => {
        this.#options.onTrouble?.('snapshot-unwritten', error, 1);
      });
    }
    this.#isSaving = false;
  }
}

interface Route {
  readonly text: string;
  /** Null for a key that is no route. */
  readonly service: string | null;
  readonly entry: unknown;
}

/** What is not JSON goes on as text, which no proxy takes for a route: it says so, and keeps the former one. */
function parseRoute(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
