// One simulated proxy process: the real link to the store around a simulated data plane.
import { linkProxy } from '../../../src/proxy-link/link.ts';
import { buildKeys } from '../../../src/store/keys.ts';
import { MISSING_MS } from '../../../strategies/proxies.ts';
import type { FakeEtcd } from '../../fakes/store.ts';
import type { CheckedProxy } from '../checked.ts';
import { DataPlane } from './data-plane.ts';
import { Gate } from './gate.ts';
import { PREFIX } from './machine.ts';
import type { ProxyPlot } from './plot.ts';
import { SimStoreClient } from './store-client.ts';
import type { VirtualTime } from './virtual-time.ts';

const KEYS = buildKeys(PREFIX);

export class SimProxyProcess {
  readonly id: string;
  readonly plane: DataPlane;
  readonly gate = new Gate();
  readonly client: SimStoreClient;
  readonly #etcd: FakeEtcd;
  readonly #time: VirtualTime;
  /** Its key: when it was last there, and the revision that first brought it. */
  #seen: { readonly at: number; readonly since: number } | null = null;
  readonly #stop = new AbortController();

  constructor(id: string, plot: ProxyPlot, etcd: FakeEtcd, time: VirtualTime, storeMs: number) {
    this.id = id;
    this.#etcd = etcd;
    this.#time = time;
    this.plane = new DataPlane(time, plot);
    this.client = new SimStoreClient(etcd, this.gate, time, storeMs);
    linkProxy({
      ...{ store: this.client, prefix: PREFIX, sink: this.plane, id, version: '0', ttlMs: 5000 },
      addresses: { http: `${id}:80`, admin: `${id}:9180` },
      readSnapshot: async () => null,
      writeSnapshot: async () => undefined,
      signal: this.#stop.signal,
    });
  }

  /**
   * It runs, whatever the store holds, and controllers have to reckon with it: they knew of it by `revision` of the
   * store, and its key has not been missing for longer than they wait.
   */
  isReckonedWith(revision: number): boolean {
    if (!this.gate.isAlive) return false;
    const entry = this.#etcd.get(KEYS.proxy(this.id));
    const isForgotten = this.#seen === null || this.#time.now - this.#seen.at >= MISSING_MS;
    if (entry !== null) {
      const since = isForgotten || this.#seen === null ? entry.createRevision : this.#seen.since;
      this.#seen = { at: this.#time.now, since };
    } else if (isForgotten) return false;
    return this.#seen !== null && this.#seen.since <= revision;
  }

  kill(): void {
    this.gate.kill();
    this.client.cutOff(true);
  }

  /** The world has ended: nothing that it waits for is held on to. */
  end(): void {
    this.kill();
    this.#stop.abort();
  }

  /** As the invariants look at it, for one service. */
  of(service: string): CheckedProxy {
    return {
      id: this.id,
      names: (target) => this.plane.names(service, target),
      isBusy: (target) => this.plane.isBusy(target),
    };
  }
}
