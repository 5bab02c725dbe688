// Outages of the engine, on one of our own: restarted, frozen, and without room for another container.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PrivateEngine, startPrivateEngine } from '../support/engine.ts';
import { startEtcd } from '../support/etcd.ts';
import { startSlipway } from '../support/slipway.ts';
import { buildVersionsOn } from '../support/versions.ts';
import { describeService, type Outage, play, type Scene } from './outage.ts';

const MEMORY_MIB = 1_500;
/** Three probes of three seconds, with what is between them. */
const STALL_MS = 12_000;
const HEALTHCHECK = { interval: '500ms', start_interval: '100ms', timeout: '2s', retries: 3, rise: 1 };
const ASK = ['CMD', '/bin/busybox', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8080/health'];
const BY_COMMAND = { test: ASK, ...HEALTHCHECK, timeout: '3s' };
const BY_HTTP = { http: '/health', ...HEALTHCHECK };

async function openOn(engine: PrivateEngine) {
  const etcd = await startEtcd();
  const slipway = await startSlipway({ etcd, engine });
  const close = async (): Promise<void> => {
    await slipway.stop();
    await etcd.stop();
  };
  return { slipway, close };
}

/** An engine with these arguments for as long as the story takes. */
async function withEngine<T>(
  engineArguments: readonly string[],
  use: (engine: PrivateEngine) => Promise<T>,
): Promise<T> {
  const engine = await startPrivateEngine(engineArguments, MEMORY_MIB);
  try {
    await buildVersionsOn(engine.docker, 'v1', 'v2', 'late');
    return await use(engine);
  } finally {
    await engine.stop();
  }
}

const quick = (healthcheck: object) => describeService({ spec: { healthcheck } });

/** In the middle of a rollout. */
async function restart(scene: Scene, engine: PrivateEngine): Promise<void> {
  const { service } = scene;
  const requested = await service.ask('late');
  await service.until('the rollout to begin', ({ rollout }) => rollout !== null);
  await engine.halt();
  await scene.untilSaid('engine', /./);
  await engine.resume();
  scene.figures.readyMs = await scene.untilReady();
  await scene.expectEnd(requested);
}

const restartedLive: Outage = {
  name: 'the engine restarted in the middle of a rollout, with live-restore',
  run: () =>
    withEngine(['--live-restore'], (engine) =>
      play(
        () => openOn(engine),
        quick(BY_HTTP),
        (scene) => restart(scene, engine),
      ),
    ),
};

const restartedCold: Outage = {
  name: 'the engine restarted in the middle of a rollout, and every container with it',
  run: () =>
    withEngine([], (engine) =>
      play(
        () => openOn(engine),
        quick(BY_HTTP),
        async (scene) => {
          await scene.withoutAnybody(() => restart(scene, engine));
          await scene.expectEnd(await scene.service.ask('v1'));
        },
      ),
    ),
};

/** Longer than it takes to condemn a replica; with nothing going on, and at full length in the middle of a rollout too. */
async function freeze(scene: Scene, engine: PrivateEngine, isFull: boolean): Promise<void> {
  const { service } = scene;
  const stall = async (): Promise<void> => {
    engine.freeze();
    try {
      if (isFull) await scene.untilSaid('engine', /./);
      await sleep(isFull ? 60_000 : STALL_MS);
    } finally {
      engine.thaw();
    }
    scene.figures.readyMs = await scene.untilReady();
  };
  const before = await scene.standing();
  await stall();
  await sleep(2_000);
  scene.expect('what stands', await scene.standing(), before);
  const requested = await service.ask('late');
  await service.until('the rollout to begin', ({ rollout }) => rollout !== null);
  if (isFull) await stall();
  await scene.expectEnd(requested);
}

const frozenByHttp: Outage = {
  name: 'the engine frozen, with probes over HTTP',
  isSpared: true,
  run: (isFull) =>
    withEngine([], (engine) =>
      play(
        () => openOn(engine),
        quick(BY_HTTP),
        (scene) => freeze(scene, engine, isFull),
      ),
    ),
};

const frozenByCommand: Outage = {
  name: 'the engine frozen, with probes by a command in the container',
  run: (isFull) =>
    withEngine([], (engine) =>
      play(
        () => openOn(engine),
        quick(BY_COMMAND),
        (scene) => freeze(scene, engine, isFull),
      ),
    ),
};

/** Takes what room there is; returns the way to give it back. */
function fill(path: string): () => void {
  const file = openSync(path, 'w');
  try {
    for (const size of [1024 * 1024, 4096]) writeUntilFull(file, Buffer.alloc(size));
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    for (;;) if (writeSync(file, piece) === 0) return;
  } catch (error) {
    if (!String(error).includes('ENOSPC')) throw error;
  }
}

const noRoom: Outage = {
  name: 'the disk of the engine full in the middle of a rollout',
  isSpared: true,
  run: () =>
    withEngine([], (engine) =>
      play(
        () => openOn(engine),
        quick(BY_HTTP),
        async (scene) => {
          const { service } = scene;
          const empty = fill(join(engine.data, 'filler'));
          const requested = await service.ask('v2');
          await service.until('the status to say so', ({ message }) => /space/.test(message));
          scene.expect('explain', /space/.test(await scene.explain()), true);
          empty();
          await scene.expectEnd(requested);
        },
      ),
    ),
};

export const ENGINE_OUTAGES: readonly Outage[] = [
  ...[restartedLive, restartedCold],
  ...[frozenByHttp, frozenByCommand, noRoom],
];
