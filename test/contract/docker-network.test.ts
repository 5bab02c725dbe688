// The network that all services share, when several create it at once: one remains, and everybody can use it.
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DockerRuntime } from '../../deploy/docker.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import { LABELS } from '../../deploy/labels.ts';
import { sampleRequest } from '../deploy/sample-revision.ts';
import { removeEverything } from '../support/containers.ts';
import { uniqueName } from '../support/names.ts';
import { openDockerWorld, type RuntimeWorld } from './runtime-worlds.ts';

const docker = new Docker();
let world: RuntimeWorld;
const runtimes: DockerRuntime[] = [];
const networks: string[] = [];

beforeAll(async () => {
  world = await openDockerWorld();
});
afterEach(async () => {
  await removeEverything(world.prefix);
  for (const runtime of runtimes.splice(0)) runtime.close();
  for (const name of networks.splice(0))
    for (const { Id } of await find(name)) await docker.getNetwork(Id).remove();
});
afterAll(async () => {
  await world?.close();
});

async function find(name: string): Promise<readonly Docker.NetworkInspectInfo[]> {
  const found = await docker.listNetworks({ filters: { name: [name] } });
  return found.filter(({ Name }) => Name === name);
}

function nameNetwork(): string {
  const name = uniqueName('network');
  networks.push(name);
  return name;
}

function open(network: string): DockerRuntime {
  const runtime = new DockerRuntime({ endpoint: parseEndpoint(undefined, process.env), network });
  runtimes.push(runtime);
  return runtime;
}

const request = (service: string, ordinal = 1) => {
  const { prefix, image } = world;
  return sampleRequest({ prefix, service, image, ordinal, ...world.resolved('steady') });
};

describe('the network of all services', () => {
  test('is one, when the first replicas of a fresh engine are started at once', async () => {
    const name = nameNetwork();
    const runtime = open(name);
    await Promise.all([1, 2, 3, 4].map((ordinal) => runtime.start(request('first', ordinal))));
    expect(await find(name)).toHaveLength(1);
    expect((await runtime.list(world.prefix)).map(({ state }) => state)).toEqual(Array(4).fill('running'));
  });

  test('is one again, when two controllers have brought about one each', async () => {
    const name = nameNetwork();
    const Labels = { [LABELS.network]: 'true' };
    const create = () =>
      docker.createNetwork({ Name: name, CheckDuplicate: false, Driver: 'bridge', Labels });
    const first = await create();
    // Engines from 25 on refuse the second: there it cannot come to this.
    await create().catch((error: unknown) => expect(error).toMatchObject({ statusCode: 409 }));
    const runtime = open(name);
    await runtime.start(request('healed'));
    expect((await find(name)).map(({ Id }) => Id)).toEqual([first.id]);
  });

  test('is left alone where somebody else made another of its name', async () => {
    const name = nameNetwork();
    await docker.createNetwork({ Name: name, Driver: 'bridge' });
    await open(name).start(request('guest'));
    expect(await find(name)).toMatchObject([{ Labels: {} }]);
  });
});
