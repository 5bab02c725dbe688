// Replicas that leave the table: what still comes to each of them between the word of every proxy that it serves
// without it, and its end. Our own streams keep it from ending until it was watched for a while.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyRegistration } from '../../src/proxy-link/registration.ts';
import type { RouteEntry } from '../../strategies/model.ts';
import type { Audience } from './audience.ts';
import { countVisits, readStats } from './replica.ts';
import type { Service } from './service.ts';

export interface Departure {
  readonly replica: string;
  /** What the proxies had in their hands of it at that word, our streams left out: it may come, or may have come. */
  readonly inHand: number;
  /** Visits counted at that word, and when it was last asked. */
  readonly before: number;
  readonly after: number;
  readonly readings: number;
}

/** Of one replica, before our streams on it are closed. */
export const READINGS_LEAST = 20;
const PAUSE_MS = 25;

interface Table {
  /** Address → revision. */
  readonly targets: ReadonlyMap<string, number>;
  readonly isAcknowledged: boolean;
  /** `revision@address` → requests in flight on a retired target. */
  readonly busy: Readonly<Record<string, number>>;
}

/** Begins at once. */
export function watchDepartures(service: Service, audience: Audience): DepartureWatch {
  return new DepartureWatch(service, audience);
}

class DepartureWatch {
  readonly #service: Service;
  readonly #audience: Audience;
  readonly #listed = new Map<string, number>();
  readonly #departures: Departure[] = [];
  readonly #following: Promise<void>[] = [];
  readonly #watching: Promise<void>;
  #isOver = false;

  constructor(service: Service, audience: Audience) {
    this.#service = service;
    this.#audience = audience;
    this.#watching = this.#watch();
    // Told by `stop`.
    this.#watching.catch(() => undefined);
  }

  /** When all that left has gone. */
  async stop(): Promise<readonly Departure[]> {
    this.#isOver = true;
    await this.#watching;
    await Promise.all(this.#following);
    return this.#departures;
  }

  async #watch(): Promise<void> {
    for (; !this.#isOver; await sleep(PAUSE_MS)) {
      const { targets, isAcknowledged, busy } = await readTable(this.#service);
      for (const [address, revision] of targets) this.#listed.set(address, revision);
      if (!isAcknowledged) continue;
      for (const [address, revision] of this.#listed) {
        if (targets.has(address)) continue;
        this.#listed.delete(address);
        this.#following.push(this.#follow(address, busy[`${revision}@${address}`] ?? 0));
      }
    }
  }

  async #follow(address: string, busy: number): Promise<void> {
    const first = await readStats(address).catch(() => null);
    if (first === null) {
      this.#departures.push({ replica: address, inHand: 0, before: 0, after: 0, readings: 0 });
      return;
    }
    const before = countVisits(first);
    const inHand = busy - this.#audience.countOn(first.host);
    const index = this.#departures.push({ replica: first.host, inHand, before, after: before, readings: 1 });
    for (let readings = 2; !this.#isOver; readings += 1) {
      const stats = await readStats(address).catch(() => null);
      if (stats === null || stats.host !== first.host) return;
      const after = countVisits(stats);
      this.#departures[index - 1] = { replica: first.host, inHand, before, after, readings };
      if (readings === READINGS_LEAST) await this.#audience.closeOn(first.host);
      await sleep(PAUSE_MS);
    }
  }
}

async function readTable({ slipway, name }: Service): Promise<Table> {
  const route = await slipway.store.get(slipway.keys.route(name));
  const { entries } = await slipway.store.list(slipway.keys.proxies);
  const proxies = entries.map(({ value }): ProxyRegistration => JSON.parse(value));
  const entry: RouteEntry | null = route === null ? null : JSON.parse(route.value);
  const busy: Record<string, number> = {};
  for (const [target, count] of proxies.flatMap((proxy) => Object.entries(proxy.busy))) {
    busy[target] = (busy[target] ?? 0) + count;
  }
  return {
    targets: new Map(entry?.targets.map(({ address, revision }) => [address, revision])),
    isAcknowledged: route !== null && proxies.every(({ applied }) => applied >= route.modRevision),
    busy,
  };
}
