// `slipway serve`: the controller, its admin server, and a proxy process beside it. Constructs and connects everything;
// holds no logic of its own.
import { hostname } from 'node:os';
import { DockerRuntime } from '../../deploy/docker.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import { runProbe } from '../../deploy/probe.ts';
import type { Permit } from '../../deploy/runtime.ts';
import type { Trouble } from '../../strategies/model.ts';
import { startAdmin } from '../admin/admin.ts';
import type { ServeConfig } from '../config.ts';
import { readAdminToken } from '../config-files.ts';
import { startClock } from '../controller/clock.ts';
import { putCommand } from '../controller/command.ts';
import { Controller } from '../controller/controller.ts';
import { Prober } from '../controller/prober.ts';
import type { ControllerEvent } from '../telemetry/events.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { type LogStream, openLogStream } from '../telemetry/log-stream.ts';
import { readProgramVersion } from '../version.ts';
import { aborted, pause } from './aborted.ts';
import { DeployEngine } from './engine.ts';
import { connectParts, type Parts } from './parts.ts';
import { superviseProxy } from './proxy-child.ts';
import { Releases } from './releases.ts';
import { openDaemonStore } from './store.ts';
import { readHistory, readService, readServices, readTargets } from './tables.ts';

const PING_MS = 10_000;

/** With etcd there, the proxy that serves already is known by then; without it, its snapshot is served. */
const HEAD_START_MS = 1_000;

/** Runs until the signal aborts; then proxy, controller, leadership and etcd are let go in this order. */
export async function startDaemon(config: ServeConfig, signal: AbortSignal): Promise<void> {
  const releases = new Releases();
  const stop = new AbortController();
  const output = openLogStream();
  const log = createLog(config.logLevel, output);
  try {
    const token = await readAdminToken(config);
    const { store, trouble } = await openDaemonStore(config, log, releases, signal);
    const parts = connectParts(config, log, store, stop.signal, releases);
    const { controller, engine } = startControl(parts, releases);
    // What failed for want of it is not kept waiting for its back-off.
    parts.writes.onChange((refusal) => {
      if (refusal === null) controller.markAll();
    });
    await serveAdmin(parts, { engine, trouble, output, token }, releases);
    if (!config.noProxy) await startProxyBeside(parts, signal, releases);
    if (!signal.aborted) {
      log.info('started', { admin: formatAddress(config.admin), leads: parts.leader.isLeader() });
    }
    controller.markAll();
    await aborted(signal);
    log.info('stopping');
  } finally {
    stop.abort();
    await releases.close();
  }
}

function startControl(parts: Parts, releases: Releases) {
  const { config, log, keys, leader, metrics, stop } = parts;
  const takePermit = () => leader.permit();
  const clock = startClock();
  const runtime = openRuntime(config, log, takePermit);
  const mark = (service: string) => controller.mark(service);
  const engine = new DeployEngine({
    ...{ runtime, prefix: keys.prefix, now: clock.now, takePermit, mark, signal: stop },
    onBack: () => controller.markAll(),
    onTrouble: (what, error) => log.warn('engine trouble', { what, error }),
    onAction: metrics.observeAction,
    onEnded: (service, action, subject, trouble) => tellAction(parts, { service, action, subject }, trouble),
  });
  const prober = new Prober({
    now: clock.now,
    onChange: mark,
    onTrouble: (service, error) => log.debug('a probe could not be made', { service, error }),
    probe: ({ container, healthcheck, port }, cancel) =>
      runProbe(runtime, container, healthcheck, port, cancel),
  });
  const controller = new Controller({
    ...{ ...parts, engine, prober, clock },
    review: ({ image, settings }) => runtime.review(image, settings.container),
    listRunning: () => engine.listServices(),
  });
  releases.add('actions', () => engine.settled());
  releases.add('controller', () => controller.close());
  followEngine(runtime, engine, controller, parts);
  return { controller, engine };
}

type Done = Pick<Extract<ControllerEvent, { kind: 'action-done' }>, 'service' | 'action' | 'subject'>;

function tellAction({ events, log }: Parts, done: Done, trouble: Trouble | null): void {
  if (trouble === null) {
    events.emit({ kind: 'action-done', ...done });
    return;
  }
  const { reason, message, attempts } = trouble;
  events.emit({ kind: 'action-failed', ...done, reason });
  if (attempts === 1) log.warn('action failed', { ...done, reason, why: message });
}

function openRuntime(config: ServeConfig, log: Log, takePermit: () => Permit): DockerRuntime {
  const registries = config.allowRegistry.length === 0 ? null : config.allowRegistry;
  return new DockerRuntime({
    endpoint: parseEndpoint(config.docker, process.env),
    policy: { allowMounts: config.allowMount, registries },
    reach: config.reach,
    onNotice: (message) => log.info(message),
    takePermit,
  });
}

// Events say only that something happened; the pass looks for itself.
function followEngine(
  runtime: DockerRuntime,
  engine: DeployEngine,
  controller: Controller,
  parts: Parts,
): void {
  const { keys, log, stop } = parts;
  const listen = runtime.events(
    keys.prefix,
    (event) => {
      engine.note(event);
      if (event.kind === 'reconnected') controller.markAll();
      else if (event.service !== null) controller.mark(event.service);
    },
    stop,
  );
  listen.catch((error: unknown) => log.error('the event stream ended', { error }));
  const timer = setInterval(() => void engine.ping(), PING_MS);
  stop.addEventListener('abort', () => clearInterval(timer), { once: true });
  void engine.ping();
}

interface Watched {
  readonly engine: DeployEngine;
  /** Of an etcd of our own. */
  readonly trouble: () => string | null;
  readonly output: LogStream;
  readonly token: string | null;
}

async function serveAdmin(parts: Parts, watched: Watched, releases: Releases): Promise<void> {
  const { config, log, store, writes, keys, mirror, leader, metrics, events } = parts;
  const admin = await startAdmin({
    host: config.admin.host ?? '0.0.0.0',
    port: config.admin.port,
    allowedHosts: [hostname()],
    ready: () => ({
      store: mirror.connected
        ? writes.trouble()
        : (mirror.restored ?? watched.trouble() ?? 'etcd does not answer'),
      leader: leader.isLeader() || mirror.get(keys.leader) !== null ? null : 'no controller leads',
      engine: watched.engine.away,
    }),
    warnings: () => ({ log: watched.output.trouble() }),
    metrics: () => metrics.render(),
    onError: (error) => log.error('admin server', { error }),
    events,
    token: watched.token,
    services: () => readServices(mirror, keys),
    service: (name) => readService(mirror, keys, name),
    history: (name) => readHistory(mirror, keys, name),
    targets: () => readTargets(mirror, keys),
    sendCommand: async (name, command) => {
      const given = await putCommand(store, keys.command(name), command);
      log.info('command over the admin server', { service: name, command, given: given.ok });
      return given.ok ? null : given.waiting;
    },
  });
  releases.add('admin server', () => admin.close());
}

async function startProxyBeside(parts: Parts, signal: AbortSignal, releases: Releases): Promise<void> {
  const { config, log, mirror, keys } = parts;
  const known = mirror.ready().catch(() => undefined);
  await Promise.race([known, pause(HEAD_START_MS, signal)]);
  if (signal.aborted) return;
  const proxy = superviseProxy({ config, log, mirror, keys, version: readProgramVersion() });
  releases.add('proxy', () => proxy.stop());
  await Promise.race([proxy.started, aborted(signal)]);
}

function formatAddress({ host, port }: ServeConfig['admin']): string {
  return `${host ?? '0.0.0.0'}:${port}`;
}
