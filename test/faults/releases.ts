// Releases in a row under load: no request fails, and nothing grows with them: resident memory, descriptors, metric series.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../scripts/load.ts';
import type { EtcdServer } from '../support/etcd.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { describeService } from './outage.ts';

export interface ReleasesReport {
  readonly releases: number;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly programs: Readonly<Record<'daemon' | 'proxy', Growth>>;
}

export interface Growth {
  /** From the end of the warm-up to the end. */
  readonly descriptors: readonly [number, number];
  readonly series: readonly [number, number];
  /** The least of the last looks, after the warm-up and at the end, in KiB. */
  readonly residentKib: readonly [number, number];
  /** What lives: resident memory holds pages that nothing uses, now more and now fewer of them. */
  readonly heapKib: readonly [number, number];
  readonly residentPer100: number;
  readonly heapPer100: number;
}

interface Look {
  readonly descriptors: number;
  readonly series: number;
  readonly residentKib: number;
  readonly heapKib: number;
}

const PER_SECOND = 100;
/** So many last looks of each part: the least of them has the least garbage in it. */
const LOOKS = 10;
/** Twice what a connection to a target may be idle: what a burst has left is closed by then, on a busy machine too. */
const SETTLE_MS = 8_000;
const COLLECT = new URL('./collect-garbage.ts', import.meta.url).href;

/** `warmUp` of them come first; revisions and receipts that are kept are all there by then if it is 50 or more. */
export async function releaseInARow(
  etcd: EtcdServer,
  releases: number,
  warmUp: number,
): Promise<ReleasesReport> {
  const environment = { NODE_OPTIONS: `--expose-gc --import=${COLLECT}` };
  const slipway = await startSlipway({ etcd, environment });
  try {
    const options = describeService({ spec: { replicas: 1 }, tuning: { monitor: '0s' } });
    const service = new Service(slipway, options);
    await service.stand('v1');
    const begin = await releaseSome(service, 0, warmUp);
    const end = await releaseSome(service, warmUp, releases);
    const sent = [begin, end].map(({ load }) => load);
    const measured = releases - warmUp;
    return {
      releases,
      requests: sent.reduce((sum, { requests }) => sum + requests, 0),
      failures: sent.flatMap(({ failures }) => failures.map(({ what, reason }) => `${what}: ${reason}`)),
      programs: {
        daemon: compare(begin.looks.daemon, end.looks.daemon, measured),
        proxy: compare(begin.looks.proxy, end.looks.proxy, measured),
      },
    };
  } finally {
    await slipway.stop();
  }
}

async function releaseSome(service: Service, from: number, to: number) {
  const load = startLoad({ ...service.target, perSecond: PER_SECOND });
  const looks: Record<'daemon' | 'proxy', Look[]> = { daemon: [], proxy: [] };
  for (let at = from; at < to; at += 1) {
    await service.succeed(at % 2 === 0 ? 'v2' : 'v1');
    if (at < to - LOOKS) continue;
    const look = await lookAt(service.slipway);
    looks.daemon.push(look.daemon);
    looks.proxy.push(look.proxy);
  }
  const sent = await load.stop();
  // Idle connections of the load are closed by then, and so are those to targets that have gone.
  await sleep(SETTLE_MS);
  const last = await lookAt(service.slipway);
  looks.daemon.push(last.daemon);
  looks.proxy.push(last.proxy);
  return { load: sent, looks };
}

async function lookAt(slipway: Slipway): Promise<{ readonly daemon: Look; readonly proxy: Look }> {
  const leader: { pid: number } = JSON.parse((await slipway.read(slipway.keys.leader)) ?? '{}');
  const { admin, proxyAdmin } = slipway.ports;
  return { daemon: await look(leader.pid, admin), proxy: await look(slipway.proxyPid() ?? 0, proxyAdmin) };
}

async function look(pid: number, port: number): Promise<Look> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const series = text.split('\n').filter((line) => line.startsWith('slipway_')).length;
  const [, resident = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  const [, heap = '0'] = /^nodejs_heap_size_used_bytes (\d+)/m.exec(text) ?? [];
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { descriptors, series, residentKib: Number(resident), heapKib: Math.round(Number(heap) / 1024) };
}

function compare(begin: readonly Look[], end: readonly Look[], releases: number): Growth {
  const last = (looks: readonly Look[], what: 'descriptors' | 'series') => looks.at(-1)?.[what] ?? 0;
  const least = (looks: readonly Look[], what: 'residentKib' | 'heapKib') =>
    Math.min(...looks.map((each) => each[what]));
  const growth = (what: 'residentKib' | 'heapKib') =>
    Math.round(((least(end, what) - least(begin, what)) / releases) * 100);
  return {
    descriptors: [last(begin, 'descriptors'), last(end, 'descriptors')],
    series: [last(begin, 'series'), last(end, 'series')],
    residentKib: [least(begin, 'residentKib'), least(end, 'residentKib')],
    heapKib: [least(begin, 'heapKib'), least(end, 'heapKib')],
    residentPer100: growth('residentKib'),
    heapPer100: growth('heapKib'),
  };
}

/** `20 releases, 2310 requests, 0 failed; daemon: …; proxy: …` */
export function describeReleases({ releases, requests, failures, programs }: ReleasesReport): string {
  const growth = Object.entries(programs).map(([name, program]) => {
    const { descriptors, series, residentKib, heapKib, residentPer100, heapPer100 } = program;
    const heap = `${heapKib.join(' → ')} KiB of heap (${heapPer100} per 100 releases)`;
    const memory = `${heap}, ${residentKib.join(' → ')} KiB resident (${residentPer100})`;
    return `${name}: ${memory}, ${descriptors.join(' → ')} descriptors, ${series.join(' → ')} series`;
  });
  return `${releases} releases, ${requests} requests, ${failures.length} failed; ${growth.join('; ')}`;
}

/** A pooled connection more or less is not growth. */
const SPARE_DESCRIPTORS = 8;

/** What must not be, memory aside: it needs many releases to show. */
export function findGrowth({ programs }: ReleasesReport): readonly string[] {
  return Object.entries(programs).flatMap(([name, { descriptors, series }]) => [
    ...(descriptors[1] > descriptors[0] + SPARE_DESCRIPTORS ? [`${name}: descriptors grow`] : []),
    ...(series[1] > series[0] ? [`${name}: series grow`] : []),
  ]);
}
