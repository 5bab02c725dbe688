// The Docker adapter where dockerd has words of its own: conflicts, bad commands, memory, mounts, networks, addresses.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDocker } from '../../deploy/docker.ts';
import { buildCreateOptions } from '../../deploy/docker-create.ts';
import { DEFAULT_NETWORK } from '../../deploy/docker-network.ts';
import { runProbe } from '../../deploy/probe.ts';
import type { ContainerSettings } from '../../strategies/model.ts';
import { sampleHealthcheck, sampleRequest } from '../deploy/sample-revision.ts';
import { uniqueName } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';
import { openDockerWorld, type RuntimeWorld } from './runtime-worlds.ts';

describe('the Docker adapter', () => {
  let world: RuntimeWorld;
  const docker = new Docker();
  beforeAll(async () => {
    world = await openDockerWorld();
  });
  afterAll(async () => {
    await world.close();
  });

  const request = (
    service: string,
    container: Partial<ContainerSettings> = {},
    port: number | null = 8080,
  ) => {
    const { prefix, image } = world;
    return sampleRequest({ prefix, service, image, ...world.resolved('steady'), port, container });
  };
  const look = async (service: string) => {
    const [found] = await world.runtime.list(world.prefix, service);
    if (found === undefined) throw new Error(`${service} has no container`);
    return found;
  };

  test('a foreign container with our name is a conflict and stays as it was', async () => {
    await world.takeName('foreign', 1, 1);
    const name = request('foreign').name;
    const [before] = await docker.listContainers({ all: true, filters: { name: [name] } });
    await expect(world.runtime.start(request('foreign'))).rejects.toMatchObject({
      code: 'name-conflict',
      message: expect.stringContaining('is not Slipway’s'),
    });
    const [after] = await docker.listContainers({ all: true, filters: { name: [name] } });
    expect(after).toEqual(before);
  });

  test('a command that does not exist is a failed start, and its words stay with the container', async () => {
    const bad = request('badcommand', { command: ['/no/such/program'] });
    await expect(world.runtime.start(bad)).rejects.toMatchObject({
      code: 'start-failed',
      reason: 'container-start-failed',
      message: expect.stringContaining('/no/such/program'),
    });
    const found = await look('badcommand');
    expect(found).toMatchObject({ state: 'created', address: null });
    expect(found.error).toContain('/no/such/program');
    await expect(world.runtime.start(bad)).rejects.toMatchObject({ code: 'start-failed' });
  });

  test('one that was created and never started is taken up, not made twice', async () => {
    const wanted = request('half');
    const created = await docker.createContainer(buildCreateOptions(wanted, DEFAULT_NETWORK, 'direct'));
    await world.runtime.start(wanted);
    expect(await look('half')).toMatchObject({ id: created.id, state: 'running' });
  });

  test.each<readonly [string, Partial<ContainerSettings>]>([
    ['more processors than there are', { cpus: 4096 }],
    [
      'a log option that the driver does not know',
      { logging: { driver: 'json-file', options: { colour: '1' } } },
    ],
    ['a log option that is no number', { logging: { driver: 'json-file', options: { 'max-file': 'many' } } }],
    ['a log driver that does not exist', { logging: { driver: 'nowhere', options: {} } }],
    ['a capability that does not exist', { capDrop: ['NO_SUCH_THING'] }],
    ['a host that is no address', { extraHosts: ['db:not-an-address'] }],
    [
      'an address that is no port',
      { logging: { driver: 'syslog', options: { 'syslog-address': 'tcp://:x' } } },
    ],
  ])('%s: the settings are to blame, not the image', async (_, container) => {
    await expect(world.runtime.start(request('mistaken', container))).rejects.toMatchObject({
      code: 'invalid-request',
      reason: 'settings-refused',
    });
    for (const { id } of await world.runtime.list(world.prefix, 'mistaken')) await world.runtime.remove(id);
  });

  test('a half-made one with other settings is replaced', async () => {
    const wrong = request('stale', { command: ['/no/such/program'] });
    await expect(world.runtime.start(wrong)).rejects.toMatchObject({ code: 'start-failed' });
    const right = request('stale');
    await world.runtime.start({ ...right, revision: { ...right.revision, settingsHash: 'other' } });
    expect(await look('stale')).toMatchObject({ state: 'running', error: null });
  });

  test('a container that eats its memory is told to have been killed for it', async () => {
    const hungry = 'x=0123456789abcdef; while :; do x="$x$x$x$x"; done';
    const limits = { memLimitBytes: 16 * 1024 * 1024, command: ['/bin/sh', '-c', hungry] };
    await world.runtime.start(request('hungry', limits));
    const found = await waitFor('its end', async () => {
      const one = await look('hungry');
      return one.state === 'exited' ? one : null;
    });
    expect(found).toMatchObject({ outOfMemory: true, exitCode: 137 });
  });

  test('every setting reaches the engine', async () => {
    await world.runtime.start(
      request('settings', {
        environment: { A: '1', B: 'x=y' },
        labels: { team: 'shop' },
        user: '65534:65534',
        workingDir: '/tmp',
        volumes: [
          { type: 'volume', source: `${world.prefix.slice(1)}-data`, target: '/data', readOnly: true },
        ],
        init: true,
        readOnly: true,
        capDrop: ['ALL'],
        capAdd: ['NET_BIND_SERVICE'],
        securityOpt: ['no-new-privileges'],
        tmpfs: ['/run:size=1m'],
        ulimits: { nofile: { soft: 100, hard: 200 } },
        extraHosts: ['db:10.0.0.1'],
        cpus: 0.5,
        memLimitBytes: 64 * 1024 * 1024,
        pidsLimit: 50,
        shmSizeBytes: 1024 * 1024,
        stopSignal: 'SIGINT',
        stopGracePeriodMs: 3_500,
        restart: 'on-failure:4',
        logging: { driver: 'json-file', options: { 'max-size': '1m' } },
      }),
    );
    const { id } = await look('settings');
    const { Config, HostConfig, Mounts } = await docker.getContainer(id).inspect();
    expect(Config).toMatchObject({
      User: '65534:65534',
      WorkingDir: '/tmp',
      StopSignal: 'SIGINT',
      StopTimeout: 4,
    });
    expect(Config.Env).toEqual(expect.arrayContaining(['A=1', 'B=x=y']));
    expect(Config.Labels).toMatchObject({
      team: 'shop',
      'slipway.prefix': world.prefix,
      'slipway.service': 'settings',
      'slipway.revision': '1',
      'slipway.ordinal': '1',
      'slipway.version': 'v1',
      'slipway.settings': 'abc',
    });
    expect(HostConfig).toMatchObject({
      NetworkMode: 'slipway',
      Init: true,
      ReadonlyRootfs: true,
      Privileged: false,
      SecurityOpt: ['no-new-privileges'],
      Tmpfs: { '/run': 'size=1m' },
      Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
      ExtraHosts: ['db:10.0.0.1'],
      NanoCpus: 5e8,
      Memory: 64 * 1024 * 1024,
      PidsLimit: 50,
      ShmSize: 1024 * 1024,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    });
    expect(HostConfig.CapDrop.join()).toContain('ALL');
    expect(HostConfig.CapAdd.join()).toContain('NET_BIND_SERVICE');
    expect(Mounts).toMatchObject([{ Type: 'volume', Destination: '/data', RW: false }]);
    await world.runtime.remove(id);
    await docker.getVolume(`${world.prefix.slice(1)}-data`).remove();
  });

  test('the image’s HEALTHCHECK runs beside ours only where the spec leaves the choice to it', async () => {
    const { prefix, image } = world;
    const parts = { prefix, image, ...world.resolved('checked') };
    const kept = sampleRequest({ ...parts, service: 'kept' });
    const replaced = sampleRequest({ ...parts, service: 'replaced', probe: { kind: 'tcp' } });
    for (const wanted of [kept, replaced]) await world.runtime.start(wanted);
    const healthOf = async (service: string) => {
      const { Config, State } = await docker.getContainer((await look(service)).id).inspect();
      return [Config.Healthcheck?.Test, State.Health?.Status ?? 'none'];
    };
    expect(await healthOf('kept')).toEqual([['CMD', '/bin/true'], 'starting']);
    expect(await healthOf('replaced')).toEqual([['NONE'], 'none']);
  });

  test('a network that the spec names must exist, and is joined beside ours', async () => {
    const name = uniqueName('net');
    const wanted = request('joined', { networks: [name] });
    await expect(world.runtime.start(wanted)).rejects.toMatchObject({
      code: 'network-missing',
      message: expect.stringContaining(name),
    });
    expect(await world.runtime.list(world.prefix, 'joined')).toEqual([]);
    const network = await docker.createNetwork({ Name: name });
    await world.runtime.start(wanted);
    const { id } = await look('joined');
    const { NetworkSettings } = await docker.getContainer(id).inspect();
    expect(Object.keys(NetworkSettings.Networks).sort()).toEqual([name, 'slipway'].sort());
    await world.runtime.remove(id);
    await network.remove();
  });

  test('reached over loopback, the address is a port published on 127.0.0.1 and answers', async () => {
    const loopback = openDocker({ reach: 'loopback' });
    const command = [
      '/bin/sh',
      '-c',
      'echo hello > /tmp/index.html; exec /bin/busybox httpd -f -p 8080 -h /tmp',
    ];
    await loopback.start(request('published', { command }));
    const [found] = await loopback.list(world.prefix, 'published');
    loopback.close();
    expect(found?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const text = await waitFor('an answer', async () =>
      (await fetch(`http://${found?.address}/index.html`)).text(),
    );
    expect(text).toBe('hello\n');
  });

  test('probes see a real container: HTTP, TCP, a command, and nothing that listens', async () => {
    const command = [
      '/bin/sh',
      '-c',
      'echo hello > /tmp/index.html; exec /bin/busybox httpd -f -p 8080 -h /tmp',
    ];
    await world.runtime.start(request('probed', { command }));
    const container = await look('probed');
    const { signal } = new AbortController();
    const status = [{ from: 200, to: 299 }];
    const http = sampleHealthcheck({ kind: 'http', path: '/index.html', status });
    const answer = await waitFor('HTTP', async () => {
      const result = await runProbe(world.runtime, container, http, 8080, signal);
      return result.ok ? result : null;
    });
    expect(answer.detail).toBe('GET /index.html → 200');
    const missing = sampleHealthcheck({ kind: 'http', path: '/none', status });
    expect(await runProbe(world.runtime, container, missing, 8080, signal)).toMatchObject({
      ok: false,
      detail: 'GET /none → 404',
    });
    const auto = sampleHealthcheck({ kind: 'auto' });
    expect(await runProbe(world.runtime, container, auto, 8080, signal)).toMatchObject({ ok: true });
    const deaf = { ...container, address: container.address?.replace('8080', '8081') ?? null };
    expect(
      await runProbe(world.runtime, deaf, sampleHealthcheck({ kind: 'tcp' }), 8080, signal),
    ).toMatchObject({
      ok: false,
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    const shell = sampleHealthcheck({ kind: 'exec', test: ['CMD-SHELL', 'echo why; exit 4'] });
    expect(await runProbe(world.runtime, container, shell, 8080, signal)).toMatchObject({
      ok: false,
      detail: '/bin/sh -c echo why; exit 4 → exit 4: why',
    });
  });

  test('a command that hangs fails in time, and is not started a second time beside itself', async () => {
    await world.runtime.start(request('hanging'));
    const { id } = await look('hanging');
    const first = await world.runtime.exec(id, ['/bin/sleep', '600'], 1_000);
    expect(first).toMatchObject({ ok: false, detail: '/bin/sleep 600: no end within 1000 ms' });
    const second = await world.runtime.exec(id, ['/bin/true'], 1_000);
    expect(second).toMatchObject({ ok: false, detail: '/bin/true: the former run has not ended' });
  });

  test('a command that does not exist in the container fails the probe, not the engine', async () => {
    await world.runtime.start(request('noprogram'));
    const { id } = await look('noprogram');
    const answer = await world.runtime.exec(id, ['/no/such'], 5_000);
    expect(answer.ok).toBe(false);
    await world.runtime.stop(id, 2_000);
    expect(await world.runtime.exec(id, ['/bin/true'], 5_000)).toMatchObject({ ok: false });
  });

  test('one that was created and never starts is replaced by the next try', async () => {
    const wanted = request('halfborn');
    const options = buildCreateOptions(wanted, 'no-such-network', 'direct');
    const created = await docker.createContainer(options);
    await expect(world.runtime.start(wanted)).rejects.toMatchObject({ code: 'network-missing' });
    expect(await world.runtime.list(world.prefix, 'halfborn')).toEqual([]);
    await world.runtime.start(wanted);
    const started = await look('halfborn');
    expect([started.state, started.id === created.id]).toEqual(['running', false]);
  });

  test('a mount is refused unless opened, through a symlink too, and nothing is created', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-mount-'));
    symlinkSync('/etc', join(folder, 'link'));
    const open = openDocker({ policy: { allowMounts: [folder], registries: null } });
    const bind = (source: string) => [{ type: 'bind' as const, source, target: '/mnt', readOnly: true }];
    await expect(world.runtime.start(request('mount', { volumes: bind(folder) }))).rejects.toMatchObject({
      code: 'policy-refused',
    });
    await expect(open.start(request('mount', { volumes: bind(join(folder, 'link')) }))).rejects.toMatchObject(
      {
        code: 'policy-refused',
        message: expect.stringContaining('/etc'),
      },
    );
    expect(await world.runtime.list(world.prefix, 'mount')).toEqual([]);
    await open.start(request('mount', { volumes: bind(folder) }));
    expect((await look('mount')).state).toBe('running');
    open.close();
    rmSync(folder, { recursive: true });
  });

  test('a restart policy, a grace and a stop signal work together', async () => {
    const command = [
      '/bin/sh',
      '-c',
      "trap 'echo bye; exit 7' INT; echo ready; while :; do sleep 0.05; done",
    ];
    await world.runtime.start(request('graceful', { command, stopSignal: 'SIGINT', restart: 'always' }));
    const { id } = await look('graceful');
    await waitFor('its trap', async () => (await world.runtime.tailLog(id, 5)).includes('ready'));
    await world.runtime.stop(id, 5_000);
    expect(await look('graceful')).toMatchObject({ state: 'exited', exitCode: 7 });
    expect(await world.runtime.tailLog(id, 5)).toEqual(['ready', 'bye']);
  });

  test('one that ignores its stop signal is killed after the grace', async () => {
    const command = ['/bin/sh', '-c', "trap '' TERM; echo ready; while :; do sleep 0.05; done"];
    await world.runtime.start(request('stubborn', { command }));
    const { id } = await look('stubborn');
    await waitFor('its trap', async () => (await world.runtime.tailLog(id, 5)).includes('ready'));
    await world.runtime.stop(id, 1_000);
    expect(await look('stubborn')).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  test('a log that cannot be read says so instead of failing', async () => {
    await world.runtime.start(request('mute', { logging: { driver: 'none', options: {} } }));
    const { id } = await look('mute');
    expect(await world.runtime.tailLog(id, 5)).toEqual(['(this container’s logging driver cannot be read)']);
  });

  test('long lines and both streams come through, bounded', async () => {
    const script = "head -c 20000 /dev/zero | tr '\\0' x; echo; echo err >&2; sleep 600";
    await world.runtime.start(request('noisy', { command: ['/bin/sh', '-c', script] }));
    const { id } = await look('noisy');
    const lines = await waitFor('both lines', async () => {
      const found = await world.runtime.tailLog(id, 10);
      return found.includes('err') && found.length >= 2 ? found : null;
    });
    expect(lines.map((line) => line.length).sort((a, b) => a - b)).toEqual([3, 4096]);
  });

  test('a version by image id runs only when the image carries the spec’s repository', async () => {
    const { digest } = world.resolved('steady');
    const pull = {
      version: digest,
      policy: 'never',
      onProgress: () => undefined,
      signal: new AbortController().signal,
    } as const;
    expect(await world.runtime.resolveImage({ ...pull, image: world.image })).toEqual({
      digest,
      reference: digest,
    });
    await expect(
      world.runtime.resolveImage({ ...pull, image: 'slipway-test/another' }),
    ).rejects.toMatchObject({
      code: 'image-pull',
      pull: 'missing',
    });
  });

  test('an HTTP server on the host is no engine', async () => {
    const server = createServer((_, response) => response.end('<html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const wrong = openDocker({ address: `tcp://127.0.0.1:${port}` });
    await expect(wrong.info()).rejects.toMatchObject({ name: 'RuntimeFailure' });
    wrong.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
