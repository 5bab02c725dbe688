// One simulated proxy process: the real link to the store around a simulated data plane.
import { linkProxy } from '../../../src/proxy-link/link.ts';
import { buildKeys } from '../../../src/store/keys.ts';
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
  readonly #stop = new AbortController();

  constructor(id: string, plot: ProxyPlot, etcd: FakeEtcd, time: VirtualTime, storeMs: number) {
    this.id = id;
    this.#etcd = etcd;
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

  /** Controllers know of it. */
  get isLive(): boolean {
    return this.gate.isAlive && this.#etcd.get(KEYS.proxy(this.id)) !== null;
  }

  kill(): void {
    this.gate.kill();
    this.client.cutOff(true);
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
