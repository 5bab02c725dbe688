// One decision's inputs, written short: `replica('web-r1-2', { readyForMs: 5000 })`, `world({ replicas, memory })`.
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import { UNPROBED } from '../../strategies/health.ts';
import type {
  Memory,
  Observed,
  Replica,
  Revision,
  Rollout,
  RouteEntry,
  ServiceSpec,
  Trouble,
} from '../../strategies/model.ts';
import { formatProxySettings } from '../../strategies/route.ts';
import { buildWorld, type World } from '../../strategies/world.ts';
import { rolling, specOf } from '../sim/spec.ts';

export const NOW = Date.UTC(2026, 10, 24);
export const SPEC = specOf(rolling());

export function revision(number: number, given: Partial<Revision> = {}): Revision {
  return {
    number,
    version: `v${number}`,
    image: SPEC.image,
    digest: `sha256:v${number}`,
    reference: `${SPEC.image}@sha256:v${number}`,
    settingsHash: 'settings-1',
    settings: SPEC.settings,
    restart: 0,
    created: '2026-11-24T00:00:00Z',
    ...given,
  };
}

type Shape = Partial<Replica> & { readonly readyForMs?: number; readonly unhealthyForMs?: number };

/** Runs at an address of its own since an hour; unprobed unless said otherwise. */
export function replica(name: string, { readyForMs, unhealthyForMs, ...given }: Shape = {}): Replica {
  const [, number, ordinal] = /-r(\d+)-(\d+)$/.exec(name) ?? [];
  const readySince = readyForMs === undefined ? null : NOW - readyForMs;
  const unhealthySince = unhealthyForMs === undefined ? null : NOW - unhealthyForMs;
  return {
    id: `id-${name}`,
    name,
    revision: Number(number),
    ordinal: Number(ordinal),
    state: 'running',
    address: addressOf(name),
    startedAt: NOW - 3_600_000,
    exitCode: null,
    outOfMemory: false,
    restarts: 0,
    error: null,
    probe: { ...UNPROBED, readySince, unhealthySince },
    stopping: false,
    ...given,
  };
}

export function addressOf(name: string): string {
  const [, number, ordinal] = /-r(\d+)-(\d+)$/.exec(name) ?? [];
  return `10.0.${number}.${ordinal}:8080`;
}

/** `ready(1, 3)`: web-r1-1, web-r1-2 and web-r1-3, ready since an hour. */
export function ready(number: number, count: number, given: Shape = {}): readonly Replica[] {
  return Array.from({ length: count }, (_, i) =>
    replica(`web-r${number}-${i + 1}`, { readyForMs: 3_600_000, ...given }),
  );
}

/** A table with these weights that names these replicas. */
export function entry(split: Readonly<Record<number, number>>, replicas: readonly Replica[]): RouteEntry {
  return {
    routes: [{ host: '*', path: '/' }],
    split,
    roles: { stable: 1, candidate: null },
    coming: false,
    targets: replicas.flatMap((r) =>
      r.address === null ? [] : [{ revision: r.revision, address: r.address }],
    ),
    preview: null,
    match: null,
    mirror: null,
    proxy: formatProxySettings(SPEC),
  };
}

export function rollout(given: Partial<Rollout> = {}): Rollout {
  return {
    id: 'web-2-10',
    kind: 'release',
    requested: 10,
    version: 'v2',
    revision: 2,
    resolved: true,
    strategy: 'rolling',
    stage: 'advancing',
    startedAt: NOW - 60_000,
    deadline: NOW + 600_000,
    progress: 0,
    held: false,
    step: null,
    batch: null,
    promoted: false,
    monitorUntil: null,
    paused: null,
    gated: true,
    insists: false,
    forgiven: [],
    tolerated: 0,
    forgivenAt: null,
    verdict: null,
    ...given,
  };
}

export function trouble(subject: string, given: Partial<Trouble> = {}): Trouble {
  const of = {
    subject,
    action: 'start',
    reason: 'container-start-failed',
    message: `${subject}: no`,
  } as const;
  return { ...of, attempts: 1, at: NOW - 1000, ...given };
}

export interface Given extends Partial<Omit<Observed, 'memory'>> {
  readonly memory?: Partial<Memory>;
  readonly spec?: ServiceSpec;
}

const PROXY = { id: 'p1', applied: 100, busy: {}, refused: {} };

/** Revision 1 is stable, revision 2 known; one proxy has applied whatever table there is. */
export function observedOf({ memory, spec: _, proxies = [PROXY], ...given }: Given = {}): Observed {
  const known = Object.fromEntries(proxies.map(({ id }) => [id, null] as const));
  return {
    service: 'web',
    watchedSince: NOW - 3_600_000,
    specRevision: 1,
    settingsHash: 'settings-1',
    version: null,
    weights: null,
    command: null,
    freeze: null,
    memory: { ...EMPTY_MEMORY, stable: 1, nextRevision: 3, proxies: known, ...memory },
    revisions: [revision(1), revision(2)],
    quarantined: [],
    images: {},
    replicas: [],
    troubles: [],
    proxies,
    parted: [],
    route: null,
    ...given,
  };
}

export function world(given: Given = {}): World {
  const observed = observedOf(given);
  return buildWorld(given.spec ?? SPEC, observed, observed.memory, NOW);
}

/** In the store since the etcd revision 50. */
export function routed(
  split: Readonly<Record<number, number>>,
  replicas: readonly Replica[],
): Pick<Observed, 'route'> {
  return { route: { value: entry(split, replicas), revision: 50 } };
}
