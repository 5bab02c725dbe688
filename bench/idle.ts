// What doing nothing costs: CPU of controller and proxy with ten services at rest, and range reads of etcd meanwhile.
import { buildImage, removeImages } from '../scripts/images.ts';
import { type Slipway, startSlipway } from '../test/support/slipway.ts';
import { printLine } from './figures.ts';
import { findProcess, readCpuMs } from './process.ts';
import { untilIdle } from './traffic.ts';

const REPOSITORY = 'slipway-bench/idle';
const SERVICES = 10;
/** Until what a release leaves behind (a back-off that is forgotten after 60 s) has gone. */
const SETTLE_MS = 75_000;
const WATCH_MS = Number(process.env.BENCH_SECONDS ?? 60) * 1000;

export async function benchIdle(): Promise<void> {
  await buildImage({ repository: REPOSITORY, tag: 'v1' });
  const slipway = await startSlipway({ arguments: ['--leader-ttl', '10s'] });
  try {
    await startServices(slipway);
    await sleep(SETTLE_MS);
    const before = await look(slipway);
    await sleep(WATCH_MS);
    const after = await look(slipway);
    const seconds = (after.at - before.at) / 1000;
    printLine(`Idle, ${SERVICES} services of one replica, probed every 5 s, over ${seconds.toFixed(0)} s:`);
    printLine(`  controller  ${percent(after.daemonMs - before.daemonMs, seconds)} of a core`);
    printLine(`  proxy       ${percent(after.proxyMs - before.proxyMs, seconds)} of a core`);
    printLine(`  etcd        ${after.ranges - before.ranges} range reads, ${after.puts - before.puts} puts`);
  } finally {
    await slipway.stop();
    await removeImages([`${REPOSITORY}:v1`]);
  }
}

async function startServices(slipway: Slipway): Promise<void> {
  for (let i = 1; i <= SERVICES; i += 1) {
    const service = `idle-${i}`;
    const spec = `image: ${REPOSITORY}\nport: 8080\nhealthcheck: { http: /health }\nroutes: [{ host: ${service}.test }]\nstrategy: { monitor: 0s }\n`;
    await slipway.put(slipway.keys.spec(service), spec);
    const requested = await slipway.put(slipway.keys.version(service), 'v1');
    await untilIdle(slipway, service, requested);
  }
}

async function look(slipway: Slipway) {
  const daemon = findProcess(['serve', slipway.prefix]);
  const proxy = findProcess(['proxy', slipway.prefix]);
  const metrics = await (await fetch(`${slipway.etcd.url}/metrics`)).text();
  return {
    at: performance.now(),
    daemonMs: readCpuMs(daemon),
    proxyMs: readCpuMs(proxy),
    ranges: readCounter(metrics, 'grpc_server_handled_total{grpc_code="OK",grpc_method="Range"'),
    puts: readCounter(metrics, 'etcd_debugging_mvcc_put_total'),
  };
}

function readCounter(metrics: string, start: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(start));
  return Number(line?.split(' ').at(-1) ?? 0);
}

function percent(cpuMs: number, seconds: number): string {
  return `${(cpuMs / seconds / 10).toFixed(2)} %`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
