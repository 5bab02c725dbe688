// How long a release takes: from the put of the version key to all traffic on the new version, acknowledged by the
// proxy. Beside it, in the same run and in turn: creating and starting the same three containers by themselves, and
// Swarm's `service update` with its delays at their smallest.
import Docker from 'dockerode';
import { buildImage, removeImages } from '../scripts/images.ts';
import { type Slipway, startSlipway } from '../test/support/slipway.ts';
import { printLine, printSeries } from './figures.ts';
import { SwarmPeer } from './swarm.ts';
import { untilIdle, watchTraffic } from './traffic.ts';

const REPOSITORY = 'slipway-bench/web';
const REPLICAS = 3;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);

const HEALTH =
  '{ http: /health, interval: 500ms, start_interval: 10ms, rise: 1, retries: 2, start_period: 20s }';
const COMMON = `image: ${REPOSITORY}\nreplicas: ${REPLICAS}\nport: 8080\nhealthcheck: ${HEALTH}\nhistory: 3\n`;
const ROLLING = 'type: rolling, min_ready: 0s, monitor: 0s';
const SPECS = {
  together: `${COMMON}strategy: { ${ROLLING}, max_surge: 100%, max_unavailable: 0 }\n`,
  'one-by-one': `${COMMON}strategy: { ${ROLLING}, parallelism: 1 }\n`,
} as const;

export async function benchRollout(): Promise<void> {
  const images = await Promise.all([
    buildImage({ repository: REPOSITORY, tag: 'v1' }),
    buildImage({ repository: REPOSITORY, tag: 'v2' }),
    buildImage({ repository: REPOSITORY, tag: 'bad', env: { UNHEALTHY_AFTER_MS: '6000' } }),
  ]);
  const slipway = await startSlipway();
  const swarm = await SwarmPeer.start(images[0] ?? '', REPLICAS);
  try {
    await measureReleases(slipway, swarm, images);
    await measureWayBack(slipway);
  } finally {
    await swarm?.stop();
    await slipway.stop();
    await removeImages(images);
  }
}

async function measureReleases(
  slipway: Slipway,
  swarm: SwarmPeer | null,
  images: readonly string[],
): Promise<void> {
  const samples: Record<string, number[]> = { alone: [], together: [], 'one-by-one': [], swarm: [] };
  for (const [service, spec] of Object.entries(SPECS)) {
    await slipway.put(slipway.keys.spec(service), withHost(service, spec));
    await timeRelease(slipway, service, 'v1');
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const version = round % 2 === 0 ? 'v2' : 'v1';
    const image = images[round % 2 === 0 ? 1 : 0] ?? '';
    samples.alone?.push(await timeContainers(image));
    for (const service of Object.keys(SPECS))
      samples[service]?.push(await timeRelease(slipway, service, version));
    if (swarm !== null) samples.swarm?.push(await swarm.update(image));
  }
  const names: Readonly<Record<string, string>> = {
    alone: `docker create + start, ${REPLICAS} containers`,
    together: 'slipway, max_surge 100 %',
    'one-by-one': 'slipway, parallelism 1',
    swarm: 'docker service update, parallelism 3, no delays',
  };
  const series = Object.entries(samples)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]) => ({ name: names[key] ?? key, samples: values }));
  const title = `Put of the version key → all traffic on the new version (${REPLICAS} replicas, rolling, min_ready 0s, monitor 0s)`;
  printSeries(title, series, names.alone ?? null);
}

// Services beside each other need routes of their own.
function withHost(service: string, spec: string): string {
  return `${spec}routes: [{ host: ${service}.bench }]\n`;
}

async function timeRelease(slipway: Slipway, service: string, version: string): Promise<number> {
  const traffic = await watchTraffic(slipway, service);
  const begun = performance.now();
  const requested = await slipway.put(slipway.keys.version(service), version);
  const ended = await traffic.untilAlone(version, requested);
  traffic.close();
  await untilIdle(slipway, service, requested);
  return ended - begun;
}

async function timeContainers(image: string): Promise<number> {
  const docker = new Docker();
  const made: Docker.Container[] = [];
  const begun = performance.now();
  try {
    for (let i = 0; i < REPLICAS; i += 1) {
      const container = await docker.createContainer({
        Image: image,
        HostConfig: { NetworkMode: 'slipway' },
      });
      made.push(container);
      await container.start();
    }
    return performance.now() - begun;
  } finally {
    await Promise.all(made.map((container) => container.remove({ force: true, v: true })));
  }
}

/** A canary at 10 % that goes bad: from the verdict's transaction to the proxy's acknowledgement of stable 100 %. */
async function measureWayBack(slipway: Slipway): Promise<void> {
  const spec = `${COMMON}strategy: { type: canary, min_ready: 0s, monitor: 0s, steps: [{ weight: 10 }, { pause: manual }] }\n`;
  const samples: number[] = [];
  for (let round = 0; round < Math.min(ROUNDS, 5); round += 1) {
    const service = `canary-${round}`;
    await slipway.put(slipway.keys.spec(service), withHost(service, spec));
    await timeRelease(slipway, service, 'v1');
    const traffic = await watchTraffic(slipway, service);
    await slipway.put(slipway.keys.version(service), 'bad');
    samples.push(await traffic.timeWayBack());
    traffic.close();
    await slipway.remove(slipway.keys.spec(service));
  }
  printSeries(
    'Canary at 10 % goes bad: verdict written → every proxy serves stable 100 %',
    [{ name: 'slipway', samples }],
    null,
  );
  printLine('The verdict and the table are one transaction, so this is the way of the table alone.');
}
