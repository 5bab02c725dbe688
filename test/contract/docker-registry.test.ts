// Pulls from a real registry: pinning, policies, credentials, failures by their kind, a stream that is cut, retention.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerRuntime, openDocker } from '../../deploy/docker.ts';
import type { PullRequest } from '../../deploy/runtime.ts';
import { removeImages } from '../../scripts/engine-images.ts';
import { sampleRequest } from '../deploy/sample-revision.ts';
import { removeEverything } from '../support/containers.ts';
import { findFreePorts, uniqueName, uniquePrefix } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';
import { openEngineTap } from './engine-tap.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { importBusybox } from './runtime-worlds.ts';

const LOGIN = { username: 'ci', password: 'canary-7f3a' };

describe('pulling from a registry', () => {
  const docker = new Docker();
  const prefix = uniquePrefix();
  const local = `slipway-test/${uniqueName('pushed')}`;
  let open: TestRegistry;
  let locked: TestRegistry;
  let runtime: DockerRuntime;
  let emptyConfig: string;

  beforeAll(async () => {
    emptyConfig = mkdtempSync(join(tmpdir(), 'slipway-config-'));
    for (const tag of ['one', 'two', 'three'])
      await importBusybox(docker, local, tag, [`ENV V=${tag}`, 'CMD ["sleep", "600"]']);
    [open, locked] = await Promise.all([startRegistry(), startRegistry(LOGIN)]);
    runtime = openDocker({ configDirectory: emptyConfig });
  });
  afterAll(async () => {
    runtime.close();
    await removeEverything(prefix, docker);
    await waitFor('the end of its images, those of cancelled pulls too', removeOurs);
    await Promise.all([open.close(), locked.close()]);
    rmSync(emptyConfig, { recursive: true });
  });

  /** True when there was nothing left to remove. */
  const removeOurs = async (): Promise<boolean> => {
    const images = await docker.listImages();
    const names = images.flatMap(({ RepoTags, RepoDigests }) => [
      ...(RepoTags ?? []),
      ...(RepoDigests ?? []),
    ]);
    const ours = names.filter((name) =>
      [open.host, locked.host, local].some((start) => name.startsWith(start)),
    );
    await removeImages(ours, docker);
    return ours.length === 0;
  };
  const pull = (image: string, version: string, parts: Partial<PullRequest> = {}): PullRequest => ({
    image,
    version,
    policy: 'missing',
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...parts,
  });
  const repository = (word: string) => `${open.host}/${uniqueName(word)}`;
  const push = (tag: string, image: string, as: string) =>
    open.push(`${local}:${tag}`, image.slice(open.host.length + 1), as);

  test('a tag is resolved to the digest that the registry holds, with progress on the way', async () => {
    const image = repository('tagged');
    const digest = await push('one', image, 'v1');
    const lines: string[] = [];
    const resolved = await runtime.resolveImage(
      pull(image, 'v1', { onProgress: (line) => lines.push(line) }),
    );
    expect(resolved).toEqual({ digest, reference: `${image}@${digest}` });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.startsWith('pulling'))).toBe(true);
  });

  test('`missing` keeps what is there when the tag moves; `always` and `latest` ask again', async () => {
    const image = repository('moving');
    const first = await push('one', image, 'latest');
    await push('one', image, 'v1');
    expect((await runtime.resolveImage(pull(image, 'v1'))).digest).toBe(first);
    expect((await runtime.resolveImage(pull(image, 'latest'))).digest).toBe(first);
    const second = await push('two', image, 'latest');
    await push('two', image, 'v1');
    await runtime.resolveImage(pull(image, first));
    await docker.getImage(`${image}@${first}`).tag({ repo: image, tag: 'v1' });
    expect((await runtime.resolveImage(pull(image, 'v1'))).digest).toBe(first);
    expect((await runtime.resolveImage(pull(image, 'latest'))).digest).toBe(second);
    expect((await runtime.resolveImage(pull(image, 'v1', { policy: 'always' }))).digest).toBe(second);
    expect((await runtime.resolveImage(pull(image, first))).digest).toBe(first);
  });

  test('a digest is pulled as such, and starts; re-tagging changes nothing of it', async () => {
    const image = repository('pinned');
    const digest = await push('one', image, 'v1');
    await push('two', image, 'v1');
    const resolved = await runtime.resolveImage(pull(image, digest));
    expect(resolved).toEqual({ digest, reference: `${image}@${digest}` });
    await runtime.start(sampleRequest({ prefix, service: 'pinned', image, ...resolved, port: null }));
    const [found] = await runtime.list(prefix, 'pinned');
    const { Config } = await docker.getContainer(found?.id ?? '').inspect();
    expect(Config.Env).toContain('V=one');
    await runtime.remove(found?.id ?? '');
  });

  test('a tag, a repository or a digest that does not exist is missing', async () => {
    const image = repository('sparse');
    await push('one', image, 'v1');
    const missing = { code: 'image-pull', pull: 'missing', reason: 'image-pull-failed' };
    await expect(runtime.resolveImage(pull(image, 'v9'))).rejects.toMatchObject(missing);
    await expect(runtime.resolveImage(pull(repository('nothing'), 'v1'))).rejects.toMatchObject(missing);
    const digest = `sha256:${'0'.repeat(64)}`;
    await expect(runtime.resolveImage(pull(image, digest))).rejects.toMatchObject(missing);
  });

  test('a registry that wants a login refuses without, and with a wrong one; Docker’s own config is used', async () => {
    const digest = await locked.push(`${local}:one`, 'private/web', 'v1');
    const image = `${locked.host}/private/web`;
    const refused = { code: 'image-pull', pull: 'authentication' };
    await expect(runtime.resolveImage(pull(image, 'v1'))).rejects.toMatchObject(refused);
    const login = (password: string) => {
      const auth = Buffer.from(`${LOGIN.username}:${password}`).toString('base64');
      writeFileSync(join(emptyConfig, 'config.json'), JSON.stringify({ auths: { [locked.host]: { auth } } }));
    };
    login('wrong-canary-1b');
    const failure: unknown = await runtime.resolveImage(pull(image, 'v1')).catch((error: unknown) => error);
    expect(failure).toMatchObject(refused);
    expect(String(failure)).not.toContain('canary');
    login(LOGIN.password);
    expect(await runtime.resolveImage(pull(image, 'v1'))).toEqual({
      digest,
      reference: `${image}@${digest}`,
    });
  });

  test('nobody listening, and a registry off the list, each have their kind', async () => {
    const [port] = await findFreePorts(1);
    await expect(runtime.resolveImage(pull(`127.0.0.1:${port}/web`, 'v1'))).rejects.toMatchObject({
      code: 'image-pull',
      pull: 'network',
    });
    const strict = openDocker({ policy: { allowMounts: [], registries: ['registry.example.com'] } });
    await expect(strict.resolveImage(pull(`${open.host}/web`, 'v1'))).rejects.toMatchObject({
      pull: 'refused',
    });
    strict.close();
  });

  test('what is no tag and no digest never reaches the engine', async () => {
    for (const version of ['v1 && rm', '../x', 'v1@sha256:0', '', 'sha256:abc', 'other/image:v1']) {
      await expect(runtime.resolveImage(pull(`${open.host}/web`, version))).rejects.toMatchObject({
        pull: 'refused',
      });
    }
  });

  test('a pull whose stream is cut is a failure, although the engine began with success', async () => {
    const image = repository('cut');
    await push('three', image, 'v1');
    const tap = await openEngineTap();
    tap.truncate(/POST \S*\/images\/create/, 300, 'end');
    const behind = new DockerRuntime({
      endpoint: { kind: 'unix', path: tap.path },
      configDirectory: emptyConfig,
    });
    await expect(behind.resolveImage(pull(image, 'v1'))).rejects.toMatchObject({ disposition: 'transient' });
    behind.close();
    await tap.close();
  });

  test('a pull that stalls is given up, and one that is cancelled ends', async () => {
    const image = repository('stalled');
    await push('two', image, 'v1');
    const tap = await openEngineTap();
    tap.truncate(/POST \S*\/images\/create/, 250, 'stall');
    const options = { endpoint: { kind: 'unix' as const, path: tap.path }, configDirectory: emptyConfig };
    const behind = new DockerRuntime({ ...options, pullIdleTimeoutMs: 500 });
    await expect(behind.resolveImage(pull(image, 'v1'))).rejects.toMatchObject({ pull: 'network' });
    tap.truncate(/^never$/, 0, 'end');
    const patient = new DockerRuntime(options);
    const cancel = new AbortController();
    const onProgress = () => cancel.abort();
    await expect(
      patient.resolveImage(pull(image, 'v1', { policy: 'always', signal: cancel.signal, onProgress })),
    ).rejects.toMatchObject({ code: 'cancelled' });
    behind.close();
    patient.close();
    await tap.close();
  });

  test('too little room on the engine’s disk is said before the pull', async () => {
    const cramped = openDocker({ minFreeBytes: 1e18, configDirectory: emptyConfig });
    await expect(cramped.resolveImage(pull(`${open.host}/web`, 'v1'))).rejects.toMatchObject({
      code: 'image-pull',
      pull: 'space',
      message: expect.stringContaining('MB are free'),
    });
    cramped.close();
  });

  test('an image that has gone since it was resolved is brought back for the start', async () => {
    const image = repository('gone');
    const digest = await push('one', image, 'v1');
    const resolved = await runtime.resolveImage(pull(image, 'v1'));
    await removeImages([`${image}:v1`, `${image}@${digest}`], docker);
    await runtime.start(sampleRequest({ prefix, service: 'gone', image, ...resolved, port: null }));
    const [found] = await runtime.list(prefix, 'gone');
    expect(found?.state).toBe('running');
    await runtime.remove(found?.id ?? '');
  });

  test('retention removes what was dropped, and nothing that runs, is kept, or is another’s', async () => {
    const image = repository('kept');
    const digests: string[] = [];
    for (const tag of ['one', 'two', 'three']) {
      const source = `${local}-kept:${tag}`;
      await importBusybox(docker, `${local}-kept`, tag, [`ENV V=${tag}`, 'CMD ["sleep", "600"]']);
      digests.push(await open.push(source, image.slice(open.host.length + 1), tag));
      await removeImages([source], docker);
    }
    const resolved = [];
    for (const tag of ['one', 'two', 'three']) resolved.push(await runtime.resolveImage(pull(image, tag)));
    const [one = '', two = '', three = ''] = resolved.map(({ reference }) => reference);
    await runtime.start(
      sampleRequest({ prefix, service: 'kept', image, reference: two, digest: digests[1] ?? '', port: null }),
    );
    const isThere = async (reference: string) =>
      await docker
        .getImage(reference)
        .inspect()
        .then(
          () => true,
          () => false,
        );
    await runtime.pruneImages(image, [three], [one, two, three]);
    expect([await isThere(one), await isThere(two), await isThere(three)]).toEqual([false, true, true]);
    const [found] = await runtime.list(prefix, 'kept');
    await runtime.remove(found?.id ?? '');
    await docker.getImage(two).tag({ repo: local, tag: 'two-again' });
    await runtime.pruneImages(image, [three], [two]);
    expect(await isThere(two)).toBe(true);
    await removeImages([`${local}:two-again`], docker);
  });

  test('a local image under a tag is its builder’s and is never removed', async () => {
    const { reference } = await runtime.resolveImage(pull(local, 'one'));
    await runtime.pruneImages(local, [], [reference]);
    expect(await runtime.resolveImage(pull(local, 'one'))).toMatchObject({ reference });
  });
});
