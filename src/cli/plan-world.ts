// The world that a plan starts from: what the store says, with the proposed spec and version in place of the present
// ones, read as the controller reads it. Containers are taken to be as the status tells. Pure.
import type { Observed, Parsed, Replica, ServiceSpec } from '../../strategies/model.ts';
import { type Desired, readDesired } from '../controller/desired.ts';
import type { Keys } from '../store/keys.ts';
import type { Entry } from '../store/port.ts';
import type { StatusDocument } from './documents.ts';
import type { Snapshot } from './follow.ts';
import { makeReplica } from './plan-rehearsal.ts';

export interface Proposal {
  readonly spec: ServiceSpec;
  readonly observed: Observed;
}

export interface ProposalFacts {
  readonly keys: Keys;
  readonly service: string;
  /** The service's keys, its route, the freeze of all services. */
  readonly snapshot: Snapshot;
  readonly status: StatusDocument | null;
  /** The proposed ones; null: those in the store. */
  readonly specText: string | null;
  readonly version: string | null;
  readonly now: number;
}

export function proposeWorld(facts: ProposalFacts): Parsed<Proposal> {
  const { keys, service, snapshot } = facts;
  const entries = new Map(snapshot.entries);
  propose(entries, keys.spec(service), facts.specText, snapshot.revision + 1);
  propose(entries, keys.version(service), facts.version, snapshot.revision + 2);
  const desired = readDesired(readerOf(entries, snapshot.revision), keys, service);
  if (desired.specProblems.length > 0) return { ok: false, problem: desired.specProblems.join('\n') };
  if (desired.spec === null) return { ok: false, problem: `${service} has no spec: name one with -f` };
  const { spec, hash } = desired.spec;
  const replicas = imagineReplicas(facts, desired, spec);
  return { ok: true, value: { spec, observed: observe(desired, hash, replicas, facts.now) } };
}

/** Writing what is there already would ask for it again: a plan leaves it as it is. */
function propose(entries: Map<string, Entry>, key: string, value: string | null, revision: number): void {
  const before = entries.get(key);
  if (value === null || before?.value.trim() === value.trim()) return;
  const createRevision = before?.createRevision ?? revision;
  entries.set(key, { key, value, createRevision, modRevision: revision });
}

function readerOf(entries: ReadonlyMap<string, Entry>, revision: number) {
  return {
    revision,
    former: () => null,
    get: (key: string): Entry | null => entries.get(key) ?? null,
    entries: (prefix = ''): readonly Entry[] =>
      [...entries.values()].filter(({ key }) => key.startsWith(prefix)),
  };
}

function observe(
  desired: Desired,
  settingsHash: string,
  replicas: readonly Replica[],
  now: number,
): Observed {
  const { service, specRevision, version, weights, command, freeze, revisions, quarantined, route } = desired;
  const wanted = { service, specRevision, settingsHash, version, weights, command, freeze };
  const memory = { ...desired.record.memory, proxies: {} };
  const kept = { memory, revisions, quarantined, route };
  return {
    ...wanted,
    ...kept,
    images: {},
    replicas,
    troubles: [],
    proxies: [],
    parted: [],
    watchedSince: now,
  };
}

/** As many as the status says are ready, at the addresses that the table knows. */
function imagineReplicas(
  { service, status, now }: ProposalFacts,
  desired: Desired,
  spec: ServiceSpec,
): Replica[] {
  const roles = [status?.stable, status?.candidate].filter((role) => role !== null && role !== undefined);
  return roles.flatMap(({ revision, replicas }) => {
    const known = desired.route?.value.targets.filter((target) => target.revision === revision) ?? [];
    return Array.from({ length: replicas.ready }, (_, index) => {
      const address = known[index]?.address;
      return makeReplica({
        name: `${service}-r${revision}-${index + 1}`,
        revision,
        ordinal: index + 1,
        port: spec.settings.port,
        now: now - LONG_AGO_MS,
        ...(address === undefined ? {} : { address }),
      });
    });
  });
}

/** Ready for longer than any `min_ready`. */
const LONG_AGO_MS = 7 * 86_400_000;
