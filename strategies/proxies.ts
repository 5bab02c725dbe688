// Who has to have applied a table before anything is stopped: every proxy with a key, and for a while every one whose
// key is missing. A lease that expired proves no death: after an outage of the store all of them expire at once, while
// the proxies serve on by the tables that they had.
import type { Memory, Observed } from './model.ts';

/** A proxy that lives has its key back by then, or knows a newer table: its lease's time, and a margin. */
export const MISSING_MS = 15_000;

/** A key that is missing is waited for since it was missed, or since this controller looks. */
export function followProxies(observed: Observed, now: number): Memory['proxies'] {
  const { memory, parted, watchedSince } = observed;
  const live = observed.proxies.map(({ id }) => id);
  const known = new Set([...live, ...Object.keys(memory.proxies)]);
  const entries = [...known].sort().flatMap((id): readonly (readonly [string, number | null])[] => {
    if (parted.includes(id)) return [];
    if (live.includes(id)) return [[id, null]];
    const since = memory.proxies[id] ?? now;
    return now < Math.max(since, watchedSince) + MISSING_MS ? [[id, since]] : [];
  });
  return Object.fromEntries(entries);
}

interface Told {
  readonly observed: Observed;
  readonly memory: Pick<Memory, 'proxies'>;
}

/** Every proxy that lives, or may, has applied the table that the store holds for this service. */
export function isAcknowledged(told: Told): boolean {
  const { route, service, proxies } = told.observed;
  if (route === null) return true;
  if (findMissing(told).length > 0) return false;
  return proxies.every((proxy) => proxy.applied >= route.revision && !Object.hasOwn(proxy.refused, service));
}

/** Proxies whose keys are missing, and until when each is waited for. */
export function findMissing({
  observed,
  memory,
}: Told): readonly { readonly id: string; readonly until: number }[] {
  return Object.entries(memory.proxies).flatMap(([id, since]) =>
    since === null ? [] : [{ id, until: Math.max(since, observed.watchedSince) + MISSING_MS }],
  );
}

/** Such as two services with one route: the proxies go on with what they had. */
export function findRefusal({ proxies, service }: Observed): string | null {
  const [refusing] = proxies.filter(({ refused }) => Object.hasOwn(refused, service));
  return refusing === undefined ? null : `${refusing.id} refuses the table: ${refusing.refused[service]}`;
}

/** Requests in flight on one target, summed over the live proxies that have let go of it. */
export function countBusy(observed: Observed, target: string): number {
  return observed.proxies.reduce((total, proxy) => total + (proxy.busy[target] ?? 0), 0);
}
