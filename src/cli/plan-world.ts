// The world that a plan starts from: what the store says, with the proposed spec and version in place of the present
// ones. Containers are taken to be as the status tells. Pure.
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import type { Memory, Observed, Parsed, Replica, RouteEntry, ServiceSpec } from '../../strategies/model.ts';
import { parseSpec } from '../spec/parse.ts';
import { formatProblems } from '../spec/problem.ts';
import { parseVersion } from '../spec/version.ts';
import { parseWeights } from '../spec/weights.ts';
import type { Entry } from '../store/port.ts';
import { parseMemory, parseRoute } from './documents.ts';
import { makeReplica } from './plan-rehearsal.ts';
import type { ServiceView } from './service.ts';

export interface Proposal {
  readonly spec: ServiceSpec;
  readonly observed: Observed;
}

export interface ProposalFacts {
  readonly service: string;
  readonly view: ServiceView;
  /** The proposed spec; null: the one in the store. */
  readonly specText: string | null;
  /** The proposed version; null: the one in the store. */
  readonly version: string | null;
  /** The freeze of all services. */
  readonly freeze: Entry | null;
  readonly route: Entry | null;
  /** The store's. */
  readonly revision: number;
  readonly now: number;
}

export function proposeWorld(facts: ProposalFacts): Parsed<Proposal> {
  const { service, view, specText, revision } = facts;
  const parsed = parseSpec(specText ?? view.spec?.value ?? '', service);
  if (!parsed.ok)
    return { ok: false, problem: formatProblems(parsed.problems, `spec of ${service}`).join('\n') };
  const memory = (view.rollout === null ? null : parseMemory(view.rollout.value)) ?? EMPTY_MEMORY;
  const isNew = specText !== null && specText !== view.spec?.value;
  const observed: Observed = {
    service,
    specRevision: isNew ? revision + 1 : (view.spec?.modRevision ?? revision + 1),
    settingsHash: isNew ? parsed.hash : (knownHash(view, memory) ?? parsed.hash),
    version: readWantedVersion(facts),
    weights:
      view.weights === null
        ? null
        : { value: parseWeights(view.weights.value), revision: view.weights.modRevision },
    command: null,
    freeze: (view.freeze ?? facts.freeze)?.value.trim() ?? null,
    memory,
    revisions: [...view.revisions].reverse(),
    quarantined: view.quarantined,
    images: {},
    replicas: imagineReplicas(facts, parsed.spec),
    troubles: [],
    proxies: [],
    route: readRoute(facts),
  };
  return { ok: true, value: { spec: parsed.spec, observed } };
}

/** The controller's own hash covers configuration that only it reads. */
function knownHash({ spec, status }: ServiceView, { handled }: Memory): string | null {
  const isSeen = spec !== null && (status?.observed.spec ?? 0) >= spec.modRevision;
  return isSeen ? (handled?.settingsHash ?? null) : null;
}

function readWantedVersion({ view, version, revision }: ProposalFacts): Observed['version'] {
  if (version !== null && version !== view.version?.value.trim()) {
    return { value: { ok: true, value: version }, revision: revision + 1 };
  }
  if (view.version === null) return null;
  return { value: parseVersion(view.version.value), revision: view.version.modRevision };
}

function readRoute({ route }: ProposalFacts): Observed['route'] {
  const value = route === null ? null : parseRoute(route.value);
  return route === null || value === null ? null : { value, revision: route.modRevision };
}

/** As many as the status says are ready, at the addresses that the table knows. */
function imagineReplicas(facts: ProposalFacts, spec: ServiceSpec): Replica[] {
  const { service, view, now } = facts;
  const targets: RouteEntry['targets'] = readRoute(facts)?.value.targets ?? [];
  const roles = [view.status?.stable, view.status?.candidate].filter(
    (role) => role !== null && role !== undefined,
  );
  return roles.flatMap(({ revision, replicas }) => {
    const known = targets.filter((target) => target.revision === revision);
    return Array.from({ length: replicas.ready }, (_, index) => {
      const address = known[index]?.address;
      return makeReplica({
        name: `${service}-r${revision}-${index + 1}`,
        revision,
        ordinal: index + 1,
        port: spec.settings.port,
        now: now - 3_600_000,
        ...(address === undefined ? {} : { address }),
      });
    });
  });
}
