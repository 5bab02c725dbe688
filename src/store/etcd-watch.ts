// One watch on one stream of a client of its own: it either delivers everything in order or says once that it is lost.
// Talks to the raw stream, since etcd3's own watcher skips events after a cut and throws inside stream callbacks.
//
// INVARIANTS
// - the start revision is ours and never moves; there is no reconnecting in here
// - `onLost` comes at most once, never after `close`, and nothing comes after it
// - silence is not health: a progress request goes out after one silent interval, and three end the watch
import type { IDuplexStream, IWatchRequest, IWatchResponse } from 'etcd3';
import { StoreError } from './errors.ts';
import { type EtcdCalls, withDeadline } from './etcd-calls.ts';
import { toStoreError } from './etcd-errors.ts';
import { endOfPrefix } from './etcd-range.ts';
import type { Change, WatchListener } from './port.ts';

export interface WatchTimes {
  readonly openMs: number;
  readonly silenceMs: number;
}

type Stream = IDuplexStream<IWatchRequest, IWatchResponse>;

const SILENT_INTERVALS = 3;

export class EtcdWatch {
  readonly #listener: WatchListener;
  readonly #what: string;
  readonly #endpoint: string;
  readonly #release: () => void;
  readonly #created = Promise.withResolvers<void>();
  #stream: Stream | null = null;
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;
  #open = true;

  constructor(listener: WatchListener, what: string, endpoint: string, release: () => void) {
    this.#listener = listener;
    this.#what = what;
    this.#endpoint = endpoint;
    this.#release = release;
    // A loss before anyone waits for the creation is told to whoever waits, and to nobody else.
    this.#created.promise.catch(() => undefined);
  }

  /** Resolves when etcd has said that the watch exists. */
  async start(stream: Stream, prefix: string, fromRevision: number, times: WatchTimes): Promise<void> {
    if (!this.#open) stream.cancel();
    this.#stream = stream;
    stream.on('data', (frame) => this.#receive(frame));
    stream.on('error', (error) => this.#lose(toStoreError(error, this.#what, this.#endpoint)));
    stream.on('end', () => this.#lose(this.#ended('the stream has ended')));
    const key = Buffer.from(prefix);
    stream.write({
      create_request: {
        key,
        range_end: endOfPrefix(key),
        start_revision: fromRevision,
        progress_notify: true,
      },
    });
    this.#timer = setInterval(() => this.#checkSilence(), times.silenceMs);
    await withDeadline(this.#created.promise, times.openMs, () =>
      this.#ended('etcd did not open it in time'),
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    this.#created.reject(new StoreError('store-closed', `${this.#what}: closed`));
    this.#stream?.cancel();
    this.#release();
  }

  /** Nothing may escape into the stream's callbacks: that would end the program. */
  #receive(frame: IWatchResponse): void {
    this.#silent = 0;
    try {
      if (frame.canceled) this.#lose(this.#refused(frame));
      else if (frame.created) this.#created.resolve();
      if (this.#open && frame.events.length > 0) this.#deliver(frame);
    } catch (error) {
      this.#lose(
        new StoreError('store-broken', `${this.#what}: the listener threw: ${String(error)}`, error),
      );
    }
  }

  /** The frame's own revision may be ahead of its events while etcd catches up: only the events' counts. */
  #deliver(frame: IWatchResponse): void {
    const changes = frame.events.map(({ type, kv }): Change => {
      return {
        kind: type === 'Delete' ? 'delete' : 'put',
        key: kv.key.toString(),
        value: kv.value.toString(),
        createRevision: Number(kv.create_revision),
        modRevision: Number(kv.mod_revision),
      };
    });
    this.#listener.onChanges(changes, changes.at(-1)?.modRevision ?? 0);
  }

  #checkSilence(): void {
    this.#silent += 1;
    if (this.#silent >= SILENT_INTERVALS) this.#lose(this.#ended('etcd has gone silent'));
    else this.#stream?.write({ progress_request: {} });
  }

  #refused(frame: IWatchResponse): StoreError {
    if (Number(frame.compact_revision) > 0) {
      const { compact_revision: at } = frame;
      return new StoreError(
        'store-compacted',
        `${this.#what}: history before ${at} is compacted; list again`,
      );
    }
    return toStoreError(new Error(frame.cancel_reason || 'cancelled by etcd'), this.#what, this.#endpoint);
  }

  #ended(reason: string): StoreError {
    return new StoreError('store-watch-lost', `etcd ${this.#endpoint}: ${this.#what}: ${reason}; list again`);
  }

  #lose(error: StoreError): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    this.#created.reject(error);
    this.#stream?.cancel();
    this.#release();
    try {
      this.#listener.onLost(error);
    } catch (cause) {
      process.emitWarning(`${this.#what}: the listener threw when it was told of the loss: ${String(cause)}`);
    }
  }
}

/** Opens a watch, or throws; after it has resolved, a loss goes to the listener. */
export async function openWatch(
  calls: EtcdCalls,
  request: { readonly prefix: string; readonly fromRevision: number; readonly listener: WatchListener },
  times: WatchTimes,
  onClosed: (watch: EtcdWatch) => void,
): Promise<EtcdWatch> {
  const { prefix, fromRevision, listener } = request;
  const what = `watch ${prefix} from ${fromRevision}`;
  const endpoint = calls.endpoint;
  const client = calls.openClient();
  let opened = false;
  let lost: Error | null = null;
  const quiet: WatchListener = {
    onChanges: (changes, revision) => listener.onChanges(changes, revision),
    onLost: (error) => {
      lost = error;
      if (error instanceof StoreError && error.disposition === 'transient') calls.avoid(endpoint);
      if (opened) listener.onLost(error);
    },
  };
  const watch = new EtcdWatch(quiet, what, endpoint, () => {
    client.close();
    onClosed(watch);
  });
  try {
    const late = (): StoreError =>
      new StoreError('store-timeout', `etcd ${endpoint}: ${what}: no answer; it is tried again`);
    const stream = await withDeadline(client.watchClient.watch(), times.openMs, late);
    await watch.start(stream, prefix, fromRevision, times);
    // Cut right after "created", before this line had its turn.
    if (lost !== null) throw lost;
    opened = true;
    return watch;
  } catch (error) {
    watch.close();
    throw toStoreError(error, what, endpoint);
  }
}
