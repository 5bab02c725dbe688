// When traffic is where, by the clock of this process: route keys and the proxies' acknowledgements, watched in etcd.
import type { Change } from '../src/store/port.ts';
import type { Slipway } from '../test/support/slipway.ts';

export interface TrafficWatch {
  /** `performance.now()` when every proxy has applied a table in which a revision newer than the request is alone. */
  untilAlone(version: string, requested: number): Promise<number>;
  /** Milliseconds from the transaction that turns the rollout back to its acknowledgement. */
  timeWayBack(): Promise<number>;
  close(): void;
}

interface Seen {
  readonly at: number;
  readonly changes: readonly Change[];
}

export async function watchTraffic(slipway: Slipway, service: string): Promise<TrafficWatch> {
  const { keys, store } = slipway;
  const seen: Seen[] = [];
  let tell = (): void => undefined;
  const { revision } = await store.list(keys.routes);
  const watch = await store.watch(keys.root, revision + 1, {
    onChanges: (changes) => {
      seen.push({ at: performance.now(), changes });
      tell();
    },
    onLost: () => undefined,
  });
  const find = async <T>(look: () => T | null): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== null) return found;
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    }
  };
  const acknowledged = (of: number) => find(() => findAcknowledgement(seen, keys.proxies, of));
  return {
    async untilAlone(version, requested) {
      const revisionNumber = await find(() =>
        findRevision(seen, keys.revisions(service), version, requested),
      );
      const table = await find(() => findTable(seen, keys.route(service), revisionNumber));
      return (await acknowledged(table.modRevision)).at;
    },
    async timeWayBack() {
      const verdict = await find(() => findReturn(seen, keys.rollout(service)));
      const table = await find(() => findTable(seen, keys.route(service), null, verdict.modRevision));
      return (await acknowledged(table.modRevision)).at - verdict.at;
    },
    close: () => watch.close(),
  };
}

function list(seen: readonly Seen[]): readonly (Change & { readonly at: number })[] {
  return seen.flatMap(({ at, changes }) => changes.map((change) => ({ ...change, at })));
}

function findRevision(
  seen: readonly Seen[],
  below: string,
  version: string,
  requested: number,
): number | null {
  const found = list(seen).find(({ key, value, modRevision, kind }) => {
    return (
      kind === 'put' &&
      key.startsWith(below) &&
      modRevision > requested &&
      JSON.parse(value).version === version
    );
  });
  return found === undefined ? null : Number(JSON.parse(found.value).number);
}

/** The first table in which `revision` (any, when null) is alone. */
function findTable(seen: readonly Seen[], key: string, revision: number | null, from = 0) {
  const found = list(seen).find((change) => {
    if (change.key !== key || change.kind !== 'put' || change.modRevision < from) return false;
    const { split } = JSON.parse(change.value);
    return revision === null ? Object.values(split).includes(100) : split[revision] === 100;
  });
  return found ?? null;
}

function findAcknowledgement(seen: readonly Seen[], below: string, of: number) {
  const found = list(seen).find(({ key, value, kind }) => {
    return kind === 'put' && key.startsWith(below) && JSON.parse(value).applied >= of;
  });
  return found ?? null;
}

function findReturn(seen: readonly Seen[], key: string) {
  const found = list(seen).find(
    (change) => change.key === key && change.value.includes('"stage":"returning"'),
  );
  return found ?? null;
}

/** Resolves when the rollout that `requested` asked for has ended and nothing is on its way out any more. */
export async function untilIdle(slipway: Slipway, service: string, requested: number): Promise<void> {
  const { keys } = slipway;
  for (;;) {
    const record = JSON.parse((await slipway.read(keys.rollout(service))) ?? '{}').memory;
    const isOver = record?.rollout === null && record.last?.requested === requested;
    if (isOver && Object.keys(record.draining).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
