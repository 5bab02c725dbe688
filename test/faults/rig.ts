// One daemon whose every call to engine and etcd passes a gate, beside a data plane that stays directly on etcd and is
// never touched: what a fault does to the daemon must not show in traffic.
import type { EtcdServer } from '../support/etcd.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { openEngineProxy } from './engine-proxy.ts';
import { openEtcdProxy } from './etcd-proxy.ts';
import { FaultGate } from './gate.ts';
import { openStage, type Stage } from './stage.ts';
import type { Story } from './story.ts';

export interface Rig {
  readonly slipway: Slipway;
  readonly gate: FaultGate;
  /** Of this story, until another one is asked for. */
  stageOf(story: Story): Promise<Stage>;
  /** After a kill: another daemon, and nothing in its way. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** `ttl`: of the leader's lease. */
export async function openRig(etcd: EtcdServer, ttl = '2s'): Promise<Rig> {
  let running: Slipway | null = null;
  const gate = new FaultGate((signal) => running?.signalDaemon(signal));
  const engine = await openEngineProxy(gate);
  const store = await openEtcdProxy(gate, etcd.url);
  const behind = ['--docker', engine.host, '--etcd', store.url, '--leader-ttl', ttl];
  const slipway = await startSlipway({ etcd, isProxyApart: true, arguments: behind });
  running = slipway;
  let stage: { readonly story: Story; readonly opened: Stage } | null = null;
  const leave = async () => {
    await stage?.opened.close();
    stage = null;
  };
  return {
    slipway,
    gate,
    stageOf: async (story) => {
      if (stage?.story === story) return stage.opened;
      await leave();
      const opened = await openStage(slipway, story);
      stage = { story, opened };
      return opened;
    },
    revive: async () => {
      await slipway.endDaemon('SIGKILL');
      gate.disarm();
      // What the end of the dead one's lease would do, up to two seconds later.
      await slipway.remove(slipway.keys.leader);
      await slipway.startDaemon();
    },
    close: async () => {
      gate.disarm();
      await leave().finally(() => slipway.stop());
      await engine.close();
      await store.close();
    },
  };
}
