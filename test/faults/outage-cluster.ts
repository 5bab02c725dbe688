// An etcd of three members that loses its leader again and again, each time with a new version asked for.
import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdCluster, startCluster } from '../support/cluster.ts';
import { startSlipway } from '../support/slipway.ts';
import { waitFor } from '../support/wait.ts';
import { describeService, type Outage, play } from './outage.ts';

const EVERY_MS = 10_000;

async function openOn(etcd: EtcdCluster) {
  const slipway = await startSlipway({ etcd });
  return { slipway, close: () => slipway.stop() };
}

const leaderLost: Outage = {
  name: 'a cluster of etcd that loses its leader, with a new version each time',
  run: async (isFull) => {
    const etcd = await startCluster();
    try {
      return await play(
        () => openOn(etcd),
        describeService(),
        async (scene) => {
          const rounds = isFull ? 12 : 2;
          for (let round = 0; round < rounds; round += 1) {
            const begun = performance.now();
            const revive = await etcd.loseLeader();
            const version = round % 2 === 0 ? 'v2' : 'v1';
            const requested = await waitFor('the request', () => scene.service.ask(version));
            await scene.expectEnd(requested);
            await revive();
            if (isFull) await sleep(Math.max(0, EVERY_MS - (performance.now() - begun)));
          }
          scene.figures.rounds = rounds;
          scene.figures.readyMs = await scene.untilReady();
        },
      );
    } finally {
      await etcd.stop();
    }
  },
};

export const CLUSTER_OUTAGES: readonly Outage[] = [leaderLost];
