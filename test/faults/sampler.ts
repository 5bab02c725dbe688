// Looks at a service again and again while something is done to its controller, and keeps every breach of what must
// hold at any moment: nobody in an acknowledged table is stopped, enough stand in the table, never too many stand at all,
// and no replica is there twice.
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { LABELS } from '../../deploy/labels.ts';
import type { RouteEntry } from '../../strategies/model.ts';
import type { Service } from '../support/service.ts';

export interface Sampler {
  /** The breaches, each once, and how often it looked. */
  stop(): Promise<{ readonly breaches: readonly string[]; readonly samples: number }>;
}

interface Table {
  readonly entry: RouteEntry | null;
  readonly revision: number;
  readonly isAcknowledged: boolean;
}

const EVERY_MS = 40;
const docker = new Docker();

export function startSampler(
  service: Service,
  bounds: { readonly most: number; readonly least: number },
): Sampler {
  const breaches = new Set<string>();
  let samples = 0;
  let isStopped = false;
  const run = async (): Promise<void> => {
    let before = await readTable(service);
    while (!isStopped) {
      const replicas = await listReplicas(service);
      const after = await readTable(service);
      const running = new Set(replicas.flatMap(({ address }) => address ?? []));
      const found = [...findTwins(replicas), ...judge(before, after, running, bounds)];
      for (const breach of found) breaches.add(breach);
      samples += 1;
      before = after;
      await sleep(EVERY_MS);
    }
  };
  const ended = run();
  return {
    stop: async () => {
      isStopped = true;
      await ended;
      return { breaches: [...breaches], samples };
    },
  };
}

/** Only a table that was the same before and after the look at the containers speaks for that moment. */
function judge(
  before: Table,
  after: Table,
  running: ReadonlySet<string>,
  { most, least }: { readonly most: number; readonly least: number },
): readonly string[] {
  const breaches: string[] = [];
  if (running.size > most) breaches.push(`${running.size} run, ${most} at most may`);
  const { entry } = before;
  if (entry === null || before.revision !== after.revision) return breaches;
  const routed = entry.targets.filter(({ revision }) => (entry.split[revision] ?? 0) > 0);
  const serving = routed.filter(({ address }) => running.has(address));
  if (before.isAcknowledged && serving.length < routed.length) {
    breaches.push(`${routed.length - serving.length} of the acknowledged table do not run`);
  }
  if (serving.length < least) breaches.push(`${serving.length} serve, ${least} at least must`);
  return breaches;
}

async function readTable({ slipway, name }: Service): Promise<Table> {
  const { entries } = await slipway.store.list(slipway.keys.root);
  const found = entries.find(({ key }) => key === slipway.keys.route(name));
  if (found === undefined) return { entry: null, revision: 0, isAcknowledged: false };
  const entry: RouteEntry = JSON.parse(found.value);
  const proxies = entries.filter(({ key }) => key.startsWith(slipway.keys.proxies));
  const isAcknowledged = proxies.every(({ value }) => JSON.parse(value).applied >= found.modRevision);
  return { entry, revision: found.modRevision, isAcknowledged };
}

interface Replica {
  /** `r3-1`: revision and ordinal. */
  readonly place: string;
  /** Null for one that does not run. */
  readonly address: string | null;
}

async function listReplicas({ slipway, name }: Service): Promise<readonly Replica[]> {
  const label = [`${LABELS.prefix}=${slipway.prefix}`, `${LABELS.service}=${name}`];
  const found = await docker.listContainers({ all: true, filters: { label } });
  return found.map(({ Id, Labels, State, NetworkSettings }) => {
    const [network] = Object.values(NetworkSettings.Networks);
    const address = network?.IPAddress ? `${network.IPAddress}:8080` : Id;
    const place = `r${Labels[LABELS.revision]}-${Labels[LABELS.ordinal]}`;
    return { place, address: State === 'running' ? address : null };
  });
}

function findTwins(replicas: readonly Replica[]): readonly string[] {
  const places = replicas.map(({ place }) => place);
  const twins = places.filter((place, index) => places.indexOf(place) !== index);
  return twins.map((place) => `${place} is there twice`);
}
