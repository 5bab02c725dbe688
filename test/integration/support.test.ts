// The ground that the other tests on real things stand on: etcd, engine and images of a test's own come and go.
import { get } from 'node:http';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, ensureBaseImage, listImages, removeImages } from '../../scripts/images.ts';
import { listContainers, removeEverything } from '../support/containers.ts';
import { type PrivateEngine, startPrivateEngine } from '../support/engine.ts';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { uniqueName, uniquePrefix } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

describe('an etcd of a test’s own', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.stop());

  it('keeps its keys over a kill and a restart', async () => {
    await etcd.ctl('put', '/a', 'kept');
    await etcd.kill();
    await expect(etcd.ctl('--dial-timeout=1s', '--command-timeout=1s', 'get', '/a')).rejects.toThrow();
    await etcd.restart();
    expect(await etcd.ctl('get', '/a', '--print-value-only')).toBe('kept\n');
  });

  it('answers nothing while frozen', async () => {
    etcd.freeze();
    await expect(etcd.ctl('--command-timeout=1s', 'get', '/a')).rejects.toThrow();
    etcd.thaw();
    expect(await waitFor('an answer', () => etcd.ctl('get', '/a', '--print-value-only'))).toBe('kept\n');
  });
});

describe('an engine of a test’s own', () => {
  let engine: PrivateEngine;
  beforeAll(async () => {
    engine = await startPrivateEngine();
  });
  afterAll(() => engine.stop());

  it('runs a container that this machine reaches, before and after a restart', async () => {
    const image = await buildImage({ repository: `slipway-test/${uniqueName()}`, tag: 'v1' }, engine.docker);
    const container = await engine.docker.createContainer({
      Image: image,
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    await container.start();
    const readVersion = async () => {
      const { NetworkSettings } = await container.inspect();
      return fetchVersion(NetworkSettings.Networks.bridge?.IPAddress ?? '');
    };
    expect(await waitFor('the service', readVersion)).toBe('v1');
    await engine.halt();
    await expect(engine.docker.ping()).rejects.toThrow();
    await engine.resume();
    expect(await waitFor('the service', readVersion)).toBe('v1');
  });
});

describe('test images', () => {
  const repository = `slipway-test/${uniqueName()}`;
  afterAll(async () => removeImages(await listImages(repository)));

  it('are built once for the same content, and anew for another', async () => {
    const request = { repository, tag: 'v1', env: { READY_DELAY_MS: '5' } };
    const first = await buildImage(request);
    expect(await buildImage(request)).toBe(first);
    expect(await listImages(repository)).toEqual([`${repository}:v1`]);
    await buildImage({ ...request, tag: 'v2' });
    expect(await listImages(repository)).toEqual([`${repository}:v1`, `${repository}:v2`]);
    await removeImages([`${repository}:v1`, `${repository}:v2`]);
    expect(await listImages(repository)).toEqual([]);
    await removeImages([`${repository}:v1`]);
  });

  it('stand on one base image', async () => {
    expect(await ensureBaseImage()).toBe(await ensureBaseImage());
  });

  it('say what step of a build failed, and leave nothing of it', async () => {
    const broken = { repository, tag: 'broken', env: { MARK: repository }, lines: ['RUN false'] };
    await expect(buildImage(broken)).rejects.toThrow(/returned a non-zero code/);
    const images = await new Docker().listImages({ all: true });
    const details = await Promise.all(images.map(({ Id }) => readEnvironment(Id)));
    expect(details.filter((env) => env.includes(`MARK=${repository}`))).toEqual([]);
  });
});

describe('clearing a prefix away', () => {
  const ours = uniquePrefix();
  const foreign = uniquePrefix();
  afterAll(async () => {
    await removeEverything(ours);
    await removeEverything(foreign);
  });

  it('takes its containers and networks, running or not, and no others', async () => {
    const docker = new Docker();
    for (const prefix of [ours, foreign]) await createLabelled(docker, prefix);
    expect((await listContainers(ours)).map(({ state }) => state)).toEqual(['created', 'running']);
    await removeEverything(ours);
    expect(await listContainers(ours)).toEqual([]);
    expect((await listContainers(foreign)).map(({ state }) => state)).toEqual(['created', 'running']);
    expect(await docker.listNetworks({ filters: { label: [`slipway.prefix=${ours}`] } })).toEqual([]);
  });
});

/** Empty for an image that another test removed in between. */
async function readEnvironment(image: string): Promise<string[]> {
  return new Docker()
    .getImage(image)
    .inspect()
    .then(
      ({ Config }) => Config.Env ?? [],
      () => [],
    );
}

async function createLabelled(docker: Docker, prefix: string): Promise<void> {
  const Labels = { 'slipway.prefix': prefix, 'slipway.service': 'web', 'slipway.revision': '1' };
  const Image = await ensureBaseImage();
  const name = uniqueName('labelled');
  await docker.createNetwork({ Name: name, Labels });
  await docker.createContainer({ name: `${name}-1`, Image, Labels, Cmd: ['true'] });
  const running = await docker.createContainer({ name: `${name}-2`, Image, Labels, Cmd: ['sleep', '60'] });
  await running.start();
}

function fetchVersion(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port: 8080, path: '/', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(String(response.headers['x-version']));
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timed out')));
  });
}
