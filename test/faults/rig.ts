// One daemon whose every call to engine and etcd passes a gate, beside a data plane that stays directly on etcd and is
// never touched: what a fault does to the daemon must not show in traffic.
import type { EtcdServer } from '../support/etcd.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { openEngineProxy } from './engine-proxy.ts';
import { openEtcdProxy } from './etcd-proxy.ts';
import { FaultGate } from './gate.ts';

export interface Rig {
  readonly slipway: Slipway;
  readonly gate: FaultGate;
  /** After a kill: another daemon, and nothing in its way. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

export async function openRig(etcd: EtcdServer): Promise<Rig> {
  let running: Slipway | null = null;
  const gate = new FaultGate((signal) => running?.signalDaemon(signal));
  const engine = await openEngineProxy(gate);
  const store = await openEtcdProxy(gate, etcd.url);
  const behind = ['--docker', engine.host, '--etcd', store.url, '--leader-ttl', '2s'];
  const slipway = await startSlipway({ etcd, isProxyApart: true, arguments: behind });
  running = slipway;
  return {
    slipway,
    gate,
    revive: async () => {
      await slipway.endDaemon('SIGKILL');
      gate.disarm();
      // What the end of the dead one's lease would do, up to two seconds later.
      await slipway.remove(slipway.keys.leader);
      await slipway.startDaemon();
    },
    close: async () => {
      gate.disarm();
      await slipway.stop();
      await engine.close();
      await store.close();
    },
  };
}
