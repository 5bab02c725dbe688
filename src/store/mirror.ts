// An in-memory copy of everything below one prefix, fed by one list and one watch, for readers that must not wait.
// Only the loop in here reads the store. Listeners get the names of changed keys and read the rest from here.
//
// INVARIANTS
// - `revision` never goes back: repeated changes are ignored. A store that answers with an older history was restored,
//   or is another one, perhaps an empty one: the copy is kept, and a person decides. Only a new start takes it up
// - at `revision` the copy is complete: it reflects every change up to it, and none after it
// - a lost watch costs a new list, whose differences are told like any other change
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from './errors.ts';
import type { Change, Entry, Store } from './port.ts';
import { findPlace, listBelow } from './sorted.ts';

export interface MirrorOptions {
  readonly store: Store;
  /** With its slash at the end. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** Keys below it are remembered with what they held, once deleted: `former`. None by default: values are large. */
  readonly formerBelow?: string;
  /** A full list against drift, jittered by a fifth. 5 min by default. */
  readonly resyncMs?: number;
  /** First wait after a failure; doubles up to 5 s. */
  readonly retryMs?: number;
  /** Waits, or returns early when the signal aborts; never throws. For virtual time. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Once per failed list or lost watch; `streak` counts since the last calm, so that a caller warns once. */
  readonly onTrouble?: (error: unknown, streak: number) => void;
}

export interface Mirror {
  /** Resolves after the first complete list; rejects only when the signal aborts first. */
  ready(): Promise<void>;
  readonly connected: boolean;
  /** Since when `connected` is as it is, on the monotonic clock. */
  readonly since: number;
  /** Set while the store answers, but with an older history than the copy's: what that means, and what to do. */
  readonly restored: string | null;
  /** The store's revision up to which the copy is complete; 0 before the first list. */
  readonly revision: number;
  get(key: string): Entry | null;
  /** What a key below `formerBelow` held when it was deleted, as far as the watch told of it; null also after the next list. */
  former(key: string): Entry | null;
  /** Below a prefix (all by default), sorted by key. */
  entries(prefix?: string): readonly Entry[];
  /** Called after the copy has changed, or only moved on (with no keys). Returns the way to stop it. */
  onChange(listener: (keys: readonly string[]) => void): () => void;
  /** Called whenever `connected` changes. */
  onConnection(listener: (connected: boolean) => void): () => void;
}

const RESYNC_MS = 5 * 60_000;
const RETRY_MS = 100;
const RETRY_MAX_MS = 5_000;
/** A watch that lived so long was healthy: what follows is a new streak of trouble. */
const CALM_MS = 5_000;

/** Starts at once and goes on until the signal aborts. */
export function startMirror(options: MirrorOptions): Mirror {
  const mirror = new PrefixMirror(options);
  void mirror.run();
  return mirror;
}

class PrefixMirror implements Mirror {
  connected = false;
  since = performance.now();
  revision = 0;
  restored: string | null = null;
  readonly #options: MirrorOptions;
  readonly #entries = new Map<string, Entry>();
  /** All of them by key, until one comes or goes. */
  #sorted: Entry[] | null = null;
  readonly #changeListeners = new Set<(keys: readonly string[]) => void>();
  readonly #connectionListeners = new Set<(connected: boolean) => void>();
  readonly #ready = Promise.withResolvers<void>();
  /** The revision of the last list: whatever happened up to it is known already. */
  #floor = 0;
  /** Keys deleted since then, with the revision that did it: a repeated older put must not bring them back. */
  readonly #deleted = new Map<string, { readonly revision: number; readonly entry: Entry | null }>();
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#pause = options.pause ?? pause;
    // Whoever does not wait for it need not catch it.
    this.#ready.promise.catch(() => undefined);
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  get(key: string): Entry | null {
    return this.#entries.get(key) ?? null;
  }

  former(key: string): Entry | null {
    return this.#deleted.get(key)?.entry ?? null;
  }

  entries(prefix = ''): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return listBelow(this.#sorted, prefix);
  }

  onChange(listener: (keys: readonly string[]) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  }

  async run(): Promise<void> {
    const { signal, onTrouble, retryMs = RETRY_MS } = this.#options;
    for (let streak = 0; !signal.aborted; ) {
      try {
        await this.#follow();
        streak = 0;
      } catch (error) {
        if (signal.aborted) break;
        const isCalmBefore = this.connected && performance.now() - this.since >= CALM_MS;
        this.#setConnected(false);
        streak = isCalmBefore ? 1 : streak + 1;
        onTrouble?.(error, streak);
        const waitMs = Math.min(RETRY_MAX_MS, retryMs * 2 ** Math.min(streak - 1, 20));
        await this.#pause(waitMs * (0.5 + Math.random() / 2), signal);
      }
    }
    this.#setConnected(false);
    this.#ready.reject(signal.reason);
  }

  /** Lists, watches from there, and returns when the next list is due; throws when the watch is lost. */
  async #follow(): Promise<void> {
    const { store, prefix, signal, resyncMs = RESYNC_MS } = this.#options;
    const listed = await this.#list(store, prefix);
    this.#adopt(listed.revision, listed.entries);
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    const watch = await store.watch(prefix, listed.revision + 1, {
      onChanges: (changes, revision) => this.#apply(changes, revision),
      onLost: (error) => lost.reject(error),
    });
    const timer = new AbortController();
    try {
      this.#setConnected(true);
      this.#ready.resolve();
      const due = this.#pause(
        resyncMs * (0.8 + Math.random() * 0.4),
        AbortSignal.any([signal, timer.signal]),
      );
      await Promise.race([lost.promise, due]);
    } finally {
      timer.abort();
      watch.close();
    }
  }

  /** A list older than the copy is not of this history. */
  async #list(store: Store, prefix: string): ReturnType<Store['list']> {
    const listed = await store.list(prefix);
    if (listed.revision >= this.revision) {
      this.restored = null;
      return listed;
    }
    const what = `etcd answers with revision ${listed.revision} after ${this.revision}: it was restored, or is another one`;
    this.restored = `${what}; what was known is kept; restart this program to take up what etcd holds now`;
    throw new StoreError('store-restored', this.restored);
  }

  /** Makes the copy equal to a list. */
  #adopt(revision: number, entries: readonly Entry[]): void {
    const listed = new Map(entries.map((entry) => [entry.key, entry]));
    const changed = entries.filter(({ key, modRevision }) => this.get(key)?.modRevision !== modRevision);
    const gone = [...this.#entries.keys()].filter((key) => !listed.has(key));
    for (const entry of changed) this.#set(entry);
    for (const key of gone) this.#delete(key);
    this.#deleted.clear();
    this.#floor = revision;
    this.#advance(revision, [...changed.map(({ key }) => key), ...gone]);
  }

  #apply(changes: readonly Change[], revision: number): void {
    const fresh = changes.filter((change) => this.#applyOne(change));
    this.#advance(revision, [...new Set(fresh.map(({ key }) => key))]);
  }

  #applyOne({ kind, key, value, createRevision, modRevision }: Change): boolean {
    const known = this.#entries.get(key)?.modRevision ?? this.#deleted.get(key)?.revision ?? this.#floor;
    if (modRevision <= known) return false;
    if (kind === 'put') {
      this.#set({ key, value, createRevision, modRevision });
      this.#deleted.delete(key);
      return true;
    }
    const { formerBelow } = this.#options;
    const isRemembered = formerBelow !== undefined && key.startsWith(formerBelow);
    const entry = isRemembered ? (this.#entries.get(key) ?? null) : null;
    this.#deleted.set(key, { revision: modRevision, entry });
    return this.#delete(key);
  }

  #set(entry: Entry): void {
    const at =
      this.#sorted === null || !this.#entries.has(entry.key) ? -1 : findPlace(this.#sorted, entry.key);
    if (at >= 0) this.#sorted?.splice(at, 1, entry);
    else this.#sorted = null;
    this.#entries.set(entry.key, entry);
  }

  #delete(key: string): boolean {
    this.#sorted = null;
    return this.#entries.delete(key);
  }

  #advance(revision: number, keys: readonly string[]): void {
    const moved = revision > this.revision;
    this.revision = Math.max(this.revision, revision);
    if (!moved && keys.length === 0) return;
    for (const listener of this.#changeListeners) listener(keys);
  }

  #setConnected(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.since = performance.now();
    for (const listener of this.#connectionListeners) listener(connected);
  }
}

/** Resolves early when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
