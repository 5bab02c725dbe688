// Outages of the machine: a disk that is full for our log, and a wall clock that jumps while the monotonic one goes on.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd } from '../support/etcd.ts';
import { type SlipwayOptions, startSlipway } from '../support/slipway.ts';
import { describeService, type Outage, play, type Scene } from './outage.ts';

async function openWith(options: SlipwayOptions) {
  const etcd = await startEtcd();
  const slipway = await startSlipway({ ...options, etcd });
  const close = async (): Promise<void> => {
    await slipway.stop();
    await etcd.stop();
  };
  return { slipway, close };
}

const logFull: Outage = {
  name: 'a full disk for the log of daemon and proxy',
  run: () =>
    play(
      () => openWith({ logPath: '/dev/full' }),
      describeService(),
      async (scene) => {
        const { slipway, service } = scene;
        await scene.untilSaid('log', /cannot be written \(ENOSPC\)/);
        await scene.expectEnd(await service.ask('v2'));
        await slipway.etcd.kill();
        await scene.untilSaid('store', /etcd does not answer/);
        await slipway.etcd.restart();
        scene.figures.readyMs = await scene.untilReady();
        await scene.expectEnd(await service.ask('v1'));
      },
    ),
};

/** Debian's, for whatever machine this is. */
function findLibrary(): string {
  const found = readdirSync('/usr/lib', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join('/usr/lib', name, 'faketime', 'libfaketime.so.1');
      return existsSync(path) ? [path] : [];
    });
  if (found[0] === undefined) throw new Error('libfaketime is missing: install Debian’s package faketime');
  return found[0];
}

const PAUSE_MS = 8_000;
const STEPPED = { steps: [{ weight: 34 }, { pause: `${PAUSE_MS / 1_000}s` }] };
const ALL_JUMPS = ['+1h', '-1h', '+24h', '-24h'] as const;

const clockMoved: Outage = {
  name: 'the wall clock moved in the middle of a canary',
  run: async (isFull) => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-clock-'));
    const file = join(folder, 'offset');
    writeFileSync(file, '+0');
    const environment = {
      ...{ LD_PRELOAD: findLibrary(), FAKETIME_TIMESTAMP_FILE: file },
      ...{ FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    };
    const options = describeService({ strategy: 'canary', tuning: STEPPED });
    const report = await play(
      () => openWith({ environment }),
      options,
      async (scene) => {
        for (const [at, jump] of ALL_JUMPS.slice(0, isFull ? 4 : 2).entries()) {
          await jumpOnce(scene, at % 2 === 0 ? 'v2' : 'v1', jump, (offset) => writeFileSync(file, offset));
        }
      },
    );
    rmSync(folder, { recursive: true });
    return report;
  },
};

/** In the pause of a canary: it is neither cut short nor drawn out, and no deadline is missed. */
async function jumpOnce(scene: Scene, version: string, jump: string, move: (offset: string) => void) {
  const { service } = scene;
  const requested = await service.ask(version);
  await service.until('the pause', ({ reason }) => reason === 'step-pause');
  const begun = performance.now();
  move(jump);
  await sleep(1_000);
  await service.command('resume');
  const status = await scene.slipway.status(service.name);
  scene.expect(`${jump}: what it waits for`, status?.reason, 'step-pause');
  await scene.expectEnd(requested);
  scene.figures[`${jump} ms`] = Math.round(performance.now() - begun);
}

export const HOST_OUTAGES: readonly Outage[] = [logFull, clockMoved];
