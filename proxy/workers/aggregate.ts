// The numbers of several workers as those of one proxy: sums, series by series. Pure.
import {
  type ClassCounts,
  countHandshakeErrors,
  countRefusals,
  type ProxyStats,
  type RequestStats,
  type RevisionStats,
  type ServiceStats,
} from '../counters.ts';
import { countTargetErrors } from '../errors.ts';

/** The table's version is the lowest of them: what all have. */
export function mergeStats(all: readonly ProxyStats[]): ProxyStats {
  const services: Record<string, ServiceStats> = {};
  for (const name of new Set(all.flatMap((stats) => Object.keys(stats.services)))) {
    services[name] = mergeServices(all.flatMap((stats) => stats.services[name] ?? []));
  }
  return {
    tableVersion: all.length === 0 ? 0 : Math.min(...all.map((stats) => stats.tableVersion)),
    connections: sum(all.map((stats) => stats.connections)),
    refused: countRefusals((reason) => sum(all.map(({ refused }) => refused[reason]))),
    handshakeErrors: countHandshakeErrors((reason) =>
      sum(all.map(({ handshakeErrors }) => handshakeErrors[reason])),
    ),
    unrouted: mergeClasses(all.map((stats) => stats.unrouted)),
    services,
  };
}

/** What a worker that has died leaves: counters must not go back because of it, and nothing of it is in flight. */
export function keepCounters(stats: ProxyStats): ProxyStats {
  const services = Object.entries(stats.services).map(([name, service]) => {
    const revisions = service.revisions.map((revision) => ({ ...revision, inFlight: 0 }));
    return [name, { ...service, parked: 0, ejected: 0, revisions }] as const;
  });
  return { ...stats, connections: 0, services: Object.fromEntries(services) };
}

/** Of what dead workers left, only what the living still have a series for. */
export function keepLiving(left: ProxyStats, living: ProxyStats): ProxyStats {
  const services = Object.entries(left.services).flatMap(([name, service]) => {
    const present = living.services[name];
    if (present === undefined) return [];
    const named = new Set(present.revisions.map(({ revision }) => revision));
    return [
      [
        name,
        { ...service, revisions: service.revisions.filter(({ revision }) => named.has(revision)) },
      ] as const,
    ];
  });
  return { ...left, tableVersion: living.tableVersion, services: Object.fromEntries(services) };
}

function mergeServices(all: readonly ServiceStats[]): ServiceStats {
  const byRevision = Map.groupBy(
    all.flatMap(({ revisions }) => revisions),
    ({ revision }) => revision,
  );
  return {
    parked: sum(all.map(({ parked }) => parked)),
    // Each worker learns of the same targets.
    ejected: Math.max(0, ...all.map(({ ejected }) => ejected)),
    retries: sum(all.map(({ retries }) => retries)),
    mirror: {
      codes: mergeClasses(all.map(({ mirror }) => mirror.codes)),
      failed: sum(all.map(({ mirror }) => mirror.failed)),
      skipped: sum(all.map(({ mirror }) => mirror.skipped)),
    },
    unserved: mergeClasses(all.map(({ unserved }) => unserved)),
    revisions: [...byRevision].map(([revision, stats]) => mergeRevisions(revision, stats)),
  };
}

function mergeRevisions(revision: number, all: readonly RevisionStats[]): RevisionStats {
  const byRole = Map.groupBy(
    all.flatMap(({ requests }) => requests),
    ({ role }) => role,
  );
  return {
    revision,
    inFlight: sum(all.map(({ inFlight }) => inFlight)),
    errors: countTargetErrors((reason) => sum(all.map(({ errors }) => errors[reason]))),
    requests: [...byRole].map(([role, stats]) => mergeRequests(role, stats)),
  };
}

function mergeRequests(role: RequestStats['role'], all: readonly RequestStats[]): RequestStats {
  const width = Math.max(...all.map(({ buckets }) => buckets.length));
  return {
    role,
    codes: mergeClasses(all.map(({ codes }) => codes)),
    buckets: Array.from({ length: width }, (_, index) => sum(all.map(({ buckets }) => buckets[index] ?? 0))),
    sumSeconds: sum(all.map(({ sumSeconds }) => sumSeconds)),
  };
}

function mergeClasses(all: readonly ClassCounts[]): ClassCounts {
  const of = (index: 0 | 1 | 2 | 3 | 4): number => sum(all.map((counts) => counts[index]));
  return [of(0), of(1), of(2), of(3), of(4)];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
