// The real control loop over an etcd, an engine and a proxy in memory, on the real clock with short waits.
import { DeployEngine } from '../../../src/app/engine.ts';
import { startClock } from '../../../src/controller/clock.ts';
import { Controller } from '../../../src/controller/controller.ts';
import { campaign } from '../../../src/controller/leader.ts';
import { Prober } from '../../../src/controller/prober.ts';
import type { Review } from '../../../src/controller/review.ts';
import type { StatusDocument } from '../../../src/controller/status.ts';
import { buildKeys } from '../../../src/store/keys.ts';
import { startMirror } from '../../../src/store/mirror.ts';
import { createEventBus } from '../../../src/telemetry/events.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import type { FakeRuntime } from '../../fakes/runtime.ts';
import type { FakeEtcd } from '../../fakes/store.ts';

export const KEYS = buildKeys('/slipway');
export const SPEC = `image: registry.test/web
port: 8080
replicas: 2
healthcheck: { http: /health, interval: 50ms, start_interval: 10ms, rise: 1, retries: 2, start_period: 0s }
strategy: { type: rolling, min_ready: 0s, monitor: 0s }
drain_timeout: 200ms
`;

const allow: Review = async () => [];

/** One daemon's loop. Several may share `etcd` and `runtime`. */
export async function startLoop(
  etcd: FakeEtcd,
  runtime: FakeRuntime,
  { review = allow, ttlMs = 10_000 }: { readonly review?: Review; readonly ttlMs?: number } = {},
) {
  const stop = new AbortController();
  const { signal } = stop;
  const store = etcd.connect();
  const events = createEventBus(Date.now);
  const metrics = createMetrics('test');
  const mirror = startMirror({ store, prefix: KEYS.root, formerBelow: KEYS.proxies, signal, retryMs: 5 });
  const holder = { id: `loop-${Math.random()}` };
  const leader = campaign({ store, mirror, key: KEYS.leader, holder, ttlMs, signal });
  const clock = startClock();
  const mark = (service: string): void => controller.mark(service);
  const engine = new DeployEngine({
    ...{ runtime, prefix: KEYS.prefix, now: clock.now, takePermit: () => leader.permit(), mark, signal },
    onBack: () => controller.markAll(),
    onTrouble: () => undefined,
    onAction: metrics.observeAction,
  });
  const prober = new Prober({
    now: clock.now,
    onChange: mark,
    onTrouble: () => undefined,
    probe: async ({ container }) => runtime.probe(container.id),
  });
  const log = createLog('silent');
  const controller = new Controller({
    ...{ store, mirror, keys: KEYS, leader, engine, prober, events, metrics, log, clock },
    review,
    listRunning: () => engine.listServices(),
  });
  void runtime.events(
    KEYS.prefix,
    (event) => {
      engine.note(event);
      if (event.service === null) controller.markAll();
      else mark(event.service);
    },
    signal,
  );
  await mirror.ready();
  const close = async (): Promise<void> => {
    stop.abort();
    await controller.close();
    await engine.settled();
    await leader.ended;
    await store.close();
  };
  return { controller, engine, leader, metrics, events, mirror, close };
}

/** A proxy that applies every table at once, and reports `busy` for what left it. */
export async function startFakeProxy(etcd: FakeEtcd, id = 'p1') {
  const busy: Record<string, number> = {};
  const store = etcd.connect();
  const say = (applied: number): void => {
    etcd.put(KEYS.proxy(id), JSON.stringify({ id, applied, busy, refused: {} }));
  };
  say(etcd.revision);
  const watch = await store.watch(KEYS.routes, etcd.revision + 1, {
    onChanges: (_, revision) => queueMicrotask(() => say(revision)),
    onLost: () => undefined,
  });
  return {
    busy,
    say: () => say(etcd.revision),
    close: async (): Promise<void> => {
      watch.close();
      await store.close();
    },
  };
}

export function readStatus(etcd: FakeEtcd, service = 'web'): StatusDocument | null {
  const text = etcd.value(KEYS.status(service));
  return text === null ? null : JSON.parse(text);
}

/** Polls until it holds; the caller's assertion says what was there instead. */
export async function until(holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
}
