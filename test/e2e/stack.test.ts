// The Dockerfile and the docker-compose.yml as a user runs them: everything comes up, a release goes through, and
// Prometheus sees both controller and proxy.
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, listImages, removeImages } from '../../scripts/images.ts';
import { type Stack, startStack } from '../support/compose.ts';
import { listContainers } from '../support/containers.ts';
import { uniqueName } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

const MEGABYTE = 1_000_000;
const repository = `slipway-test/${uniqueName('web')}`;
let stack: Stack;

beforeAll(async () => {
  await buildImage({ repository, tag: 'v1' });
  await buildImage({ repository, tag: 'v2' });
  stack = await startStack();
}, 1_200_000);

afterAll(async () => {
  await stack?.remove();
  await removeImages(await listImages(repository));
}, 180_000);

describe('the image', () => {
  it('is under 250 MB and holds no shell', async () => {
    const { Size } = await new Docker().getImage(stack.image).inspect();
    expect(Size).toBeLessThan(250 * MEGABYTE);
    await expect(stack.compose('exec', '-T', 'controller', 'sh', '-c', 'true')).rejects.toThrow();
  });

  it('runs as a user of its own, without any capability', async () => {
    for (const service of ['controller', 'proxy']) {
      const { Config, HostConfig } = await stack.inspect(service);
      expect([Config.User, HostConfig.CapDrop, HostConfig.ReadonlyRootfs]).toEqual([
        'slipway',
        ['ALL'],
        true,
      ]);
    }
  });

  it('has the engine’s socket in the controller alone', async () => {
    const sources = async (service: string) =>
      (await stack.inspect(service)).Mounts.map(({ Source }) => Source);
    expect(await sources('controller')).toContain('/var/run/docker.sock');
    expect(await sources('proxy')).not.toContain('/var/run/docker.sock');
  });
});

describe('the stack', () => {
  it.each(['etcd', 'controller', 'proxy'])('has a healthy %s', async (service) => {
    const isHealthy = async () => (await stack.inspect(service)).State.Health?.Status === 'healthy';
    await waitFor(`${service} to be healthy`, isHealthy, { timeoutMs: 150_000 });
  });

  it('releases a version that is written to etcd, and the next one', async () => {
    const spec = {
      image: repository,
      port: 8080,
      pull: 'never',
      strategy: { min_ready: '0s', monitor: '0s' },
    };
    await put('services/web/spec', JSON.stringify(spec));
    for (const version of ['v1', 'v2']) {
      await put('services/web/version', version);
      await waitFor(`${version} behind the proxy`, async () => (await askProxy()) === version, {
        timeoutMs: 150_000,
      });
    }
    const status = await stack.compose('exec', '-T', 'controller', 'slipway', 'status', 'web', '-o', 'json');
    expect(JSON.parse(status)).toMatchObject({ service: 'web', version: 'v2' });
    await waitFor('the end of both rollouts', async () => {
      const keys = await read('--prefix', '--keys-only', 'services/web/history/');
      return keys.trim().split(/\s+/).length === 2;
    });
  });

  it('shows its controller and its proxy to Prometheus', async () => {
    const readJobs = async () => {
      const data = await askPrometheus<{ activeTargets: { scrapePool: string; health: string }[] }>(
        'targets?state=active',
      );
      const up = data.activeTargets
        .filter(({ health }) => health === 'up')
        .map(({ scrapePool }) => scrapePool);
      return up.length === 2 ? up.sort() : null;
    };
    const jobs = await waitFor('two targets that are up', readJobs, { timeoutMs: 150_000 });
    expect(jobs).toEqual(['slipway-controller', 'slipway-proxy']);
  });

  it('tells Prometheus of the two rollouts, and of the traffic that they moved', async () => {
    const succeeded = 'slipway_rollouts_total{service="web",strategy="rolling",outcome="succeeded"}';
    await waitFor('both to be scraped', async () => (await query(succeeded)) === 2, { timeoutMs: 60_000 });
    expect(await query('sum(slipway_rollouts_total{service="web",outcome!="succeeded"})')).toBe(0);
    expect(await query('slipway_rollout_duration_seconds_count{service="web",outcome="succeeded"}')).toBe(2);
    expect(await query('slipway_rollout_phase{service="web",phase="idle"}')).toBe(1);
    expect(await query('slipway_revision_info{service="web",role="stable",version="v2"}')).toBe(1);
    expect(await query('slipway_traffic_weight{service="web",role="stable",kind="effective"}')).toBe(100);
    const answered = 'sum(slipway_proxy_requests_total{service="web",role="stable",code="2xx"})';
    const isCounted = async () => (await askProxy()) === 'v2' && ((await query(answered)) ?? 0) > 0;
    await waitFor('answers of v2, now that it is stable, to be scraped', isCounted, { timeoutMs: 60_000 });
  });

  it('retires the service and leaves no container of it', async () => {
    await stack.compose('exec', '-T', 'etcd', 'etcdctl', 'del', `${stack.prefix}/services/web/spec`);
    const isGone = async () => (await listContainers(stack.prefix)).length === 0;
    await waitFor('the containers to go', isGone, { timeoutMs: 150_000 });
  });

  it('ends at SIGTERM, by itself and without an error', async () => {
    for (const service of ['controller', 'proxy']) {
      await stack.compose('stop', '--timeout', '30', service);
      const { ExitCode, OOMKilled } = (await stack.inspect(service)).State;
      expect([service, ExitCode, OOMKilled]).toEqual([service, 0, false]);
    }
  });
});

async function put(key: string, value: string): Promise<void> {
  await stack.compose('exec', '-T', 'etcd', 'etcdctl', 'put', `${stack.prefix}/${key}`, value);
}

async function read(...words: readonly string[]): Promise<string> {
  const [key = ''] = words.slice(-1);
  const get = ['etcdctl', 'get', ...words.slice(0, -1), `${stack.prefix}/${key}`];
  return await stack.compose('exec', '-T', 'etcd', ...get);
}

async function askPrometheus<T>(path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${stack.ports.prometheus}/api/v1/${path}`);
  const { status, data, error }: { status: string; data: T; error?: string } = JSON.parse(
    await response.text(),
  );
  if (status !== 'success') throw new Error(`${path}: ${error}`);
  return data;
}

/** The value of the one series that the query gives; null for none. */
async function query(expression: string): Promise<number | null> {
  const { result } = await askPrometheus<{ result: { value: [number, string] }[] }>(
    `query?query=${encodeURIComponent(expression)}`,
  );
  expect(result.length).toBeLessThanOrEqual(1);
  const [first] = result;
  return first === undefined ? null : Number(first.value[1]);
}

async function askProxy(): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${stack.ports.http}/`, {
    signal: AbortSignal.timeout(5_000),
  });
  await response.arrayBuffer();
  return response.headers.get('x-version');
}
