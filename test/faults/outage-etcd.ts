// Outages of one etcd: away, silent, full, compacted behind our back, or with watches that do not last.
import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { startSlipway } from '../support/slipway.ts';
import { waitFor } from '../support/wait.ts';
import { openEtcdProxy } from './etcd-proxy.ts';
import { FaultGate } from './gate.ts';
import { describeService, HALTING, type Outage, play } from './outage.ts';

const MIB = 1024 * 1024;

async function openPlain(etcdArguments: readonly string[] = []) {
  const etcd = await startEtcd(etcdArguments);
  const slipway = await startSlipway({ etcd });
  const close = async (): Promise<void> => {
    await slipway.stop();
    await etcd.stop();
  };
  return { etcd, slipway, close };
}

/** The daemon's way to etcd leads through a gate; the proxy's does not. */
async function openGated(gate: FaultGate) {
  const etcd = await startEtcd();
  const way = await openEtcdProxy(gate, etcd.url);
  const slipway = await startSlipway({ etcd, isProxyApart: true, arguments: ['--etcd', way.url] });
  const close = async (): Promise<void> => {
    gate.disarm();
    await slipway.stop();
    await way.close();
    await etcd.stop();
  };
  return { slipway, close };
}

const etcdDown: Outage = {
  name: 'etcd down in the middle of a canary, with a restart of the daemon meanwhile',
  run: (isFull) =>
    play(openPlain, describeService(HALTING), async (scene) => {
      const { slipway, service } = scene;
      const requested = await service.ask('v2');
      await scene.untilWaiting();
      const before = await scene.standing();
      await slipway.etcd.kill();
      await scene.untilSaid('store', /etcd does not answer/);
      await sleep(isFull ? 150_000 : 2_000);
      await slipway.endDaemon('SIGKILL');
      slipway.launchDaemon();
      await scene.untilSaid('store', /etcd does not answer/);
      await sleep(isFull ? 150_000 : 2_000);
      scene.expect('what stands', await scene.standing(), before);
      await slipway.etcd.restart();
      scene.figures.readyMs = await scene.untilReady();
      await scene.promote(requested);
    }),
};

const etcdSilent: Outage = {
  name: 'etcd silent in the middle of a rollout',
  run: (isFull) =>
    play(openPlain, describeService(), async (scene) => {
      const { etcd } = scene.slipway;
      const requested = await scene.service.ask('late');
      await scene.service.until('the rollout to begin', ({ rollout }) => rollout !== null);
      etcd.freeze();
      try {
        await scene.untilSaid('store', /etcd does not answer/);
        await sleep(isFull ? 60_000 : 0);
      } finally {
        etcd.thaw();
      }
      scene.figures.readyMs = await scene.untilReady();
      await scene.expectEnd(requested);
    }),
};

const compacted: Outage = {
  name: 'etcd compacted while the controller was cut off',
  run: async (isFull) => {
    const gate = new FaultGate(() => undefined);
    return await play(
      () => openGated(gate),
      describeService(),
      async (scene) => {
        const { slipway, service } = scene;
        for (const version of isFull ? ['v2', 'v1', 'v2', 'v1', 'v2'] : ['v2']) {
          gate.seal();
          await scene.untilSaid('store', /etcd does not answer/);
          const requested = await service.ask(version);
          for (let at = 0; at < 20; at += 1) await slipway.put(`${slipway.prefix}-other`, String(at));
          await slipway.etcd.ctl('compact', String(requested + 20));
          gate.disarm();
          await scene.expectEnd(requested);
        }
      },
    );
  },
};

const watchCut: Outage = {
  name: 'the watch cut right after it was created',
  run: async (isFull) => {
    const gate = new FaultGate(() => undefined);
    return await play(
      () => openGated(gate),
      describeService(),
      async (scene) => {
        const { service } = scene;
        const cuts = isFull ? 50 : 6;
        gate.watchesToCut = cuts;
        // What runs is a stream that was opened before.
        gate.seal();
        gate.disarm();
        let version = 'v2';
        while (gate.watchesToCut > 0) {
          await scene.expectEnd(await service.ask(version));
          version = version === 'v2' ? 'v1' : 'v2';
        }
        scene.figures.cuts = cuts;
        await scene.untilReady();
        await scene.expectEnd(await service.ask(version));
      },
    );
  },
};

/** Until it takes no more. */
async function fill(
  etcd: EtcdServer,
  write: (key: string, value: string) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; ; at += 1) {
    try {
      await write(`/filler/${at}`, 'x'.repeat(MIB));
    } catch (error) {
      if (!String(error).includes('space exceeded')) throw error;
      if ((await etcd.ctl('alarm', 'list')).includes('NOSPACE')) return;
    }
  }
}

async function empty(etcd: EtcdServer): Promise<void> {
  await etcd.ctl('del', '--prefix', '/filler/');
  const [status] = JSON.parse(await etcd.ctl('endpoint', 'status', '--write-out', 'json'));
  await etcd.ctl('compact', String(status.Status.header.revision));
  await etcd.ctl('defrag');
  await etcd.ctl('alarm', 'disarm');
}

const etcdFull: Outage = {
  name: 'etcd full in the middle of a canary',
  run: (isFull) =>
    play(
      () => openPlain(['--quota-backend-bytes', String(16 * MIB)]),
      describeService(HALTING),
      async (scene) => {
        const { slipway, service } = scene;
        const requested = await service.ask('v2');
        await scene.untilWaiting();
        const before = await scene.standing();
        await fill(slipway.etcd, (key, value) => slipway.put(key, value));
        await scene.untilSaid('store', /database space exceeded.*alarm disarm/);
        scene.expect('slipway_store_connected', await scene.metric('slipway_store_connected'), '0');
        const words = await scene.explain();
        scene.expect('explain', /^etcd refuses every write/.test(words), true);
        const doctor = await slipway.cli('doctor');
        scene.expect('doctor', [doctor.code, /fail +etcd space/.test(doctor.stdout)], [1, true]);
        await sleep(isFull ? 60_000 : 1_000);
        scene.expect('what stands', await scene.standing(), before);
        await empty(slipway.etcd);
        scene.figures.readyMs = await scene.untilReady();
        await waitFor('the metric', async () => (await scene.metric('slipway_store_connected')) === '1');
        await scene.promote(requested);
      },
    ),
};

export const ETCD_OUTAGES: readonly Outage[] = [etcdDown, compacted, watchCut, etcdSilent, etcdFull];
