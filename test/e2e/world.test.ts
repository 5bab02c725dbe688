// A world that does not behave: containers taken away by hand, names and ports that are taken, specs that are wrong,
// memory that runs out. What runs goes on, and the status says why.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { cleanEnvironment, startChild } from '../support/child.ts';
import { findFreePorts, uniquePrefix } from '../support/names.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1', 'v2', 'exits', 'hungry');
  slipway = await startSlipway();
});
afterAll(async () => {
  await slipway?.stop();
});

const standing: Service[] = [];
// Told to go and not waited for: what one test left standing would slow the next.
afterEach(async () => {
  for (const { name } of standing.splice(0)) await slipway.remove(slipway.keys.spec(name));
});

function make(options: Partial<ServiceOptions> = {}): Service {
  const service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', ...options });
  standing.push(service);
  return service;
}

describe('a container', () => {
  it.each(['removed', 'stopped'] as const)('%s by hand is replaced, without a rollout', async (how) => {
    const service = make({ spec: { replicas: 2, restart: 'no' } });
    await service.stand('v1');
    const [first] = await service.containers();
    if (first === undefined) throw new Error('no container');
    const container = new Docker().getContainer(first.id);
    if (how === 'removed') await container.remove({ force: true });
    else await container.stop();
    await waitFor('another in its place', async () => {
      const all = await service.containers();
      const isWhole = all.length === 2 && all.every(({ state }) => state === 'running');
      return isWhole && all.every(({ id }) => id !== first.id || how === 'stopped');
    });
    const healed = await service.until('two ready', ({ stable }) => stable?.replicas.ready === 2);
    expect(healed).toMatchObject({ phase: 'idle', stable: { version: 'v1' } });
    expect((await service.history()).length).toBe(1);
  });

  it('of somebody else that has our name is left alone, and the release still comes to a verdict', async () => {
    const service = make({ spec: { replicas: 1 } });
    await service.stand('v1');
    const [ours] = await service.containers();
    const docker = new Docker();
    const name = (ours?.name ?? '').replace('-r1-', '-r2-');
    const foreign = await docker.createContainer({ name, Image: `${REPOSITORY}:v1`, Cmd: ['sleep', '600'] });
    try {
      await foreign.start();
      await service.apply({ strategy: { type: 'rolling', min_ready: '0s', progress_deadline: '8s' } });
      const load = startLoad(service.target);
      const finished = await service.finish(await service.ask('v2'));
      expect(finished).toMatchObject({ outcome: 'rolled-back', reason: 'name-conflict' });
      expect(finished.message).toContain(name);
      expect((await foreign.inspect()).State.Running).toBe(true);
      expect((await load.stop()).failures).toEqual([]);
      expect((await service.containers()).map(({ id }) => id)).toEqual([ours?.id]);
    } finally {
      await foreign.remove({ force: true });
    }
  });

  it('that runs out of memory is told as such', async () => {
    const service = make({ spec: { replicas: 1, mem_limit: '96m' } });
    await service.stand('v1');
    const finished = await service.finish(await service.ask('hungry'));
    expect(finished).toMatchObject({ outcome: 'rolled-back', reason: 'out-of-memory' });
    expect(finished.evidence).toContainEqual(expect.objectContaining({ outOfMemory: true, exitCode: 137 }));
    expect(finished.evidence.flatMap(({ log }) => log).join('\n')).toContain('OOM_AFTER_MS');
  });
});

describe('a spec', () => {
  it('that is spoilt is reported with every problem and its path, and what runs goes on', async () => {
    const service = make({ spec: { replicas: 1 } });
    await service.stand('v1');
    const load = startLoad(service.target);
    await service.apply({
      replicas: 'many',
      healthcheck: { http: '/health', interval: 'soon' },
      imaginary: 1,
    });
    const spoilt = await service.until('the report', ({ phase }) => phase === 'invalid');
    for (const path of ['replicas', 'healthcheck.interval', 'imaginary'])
      expect(spoilt.message).toContain(path);
    expect(spoilt).toMatchObject({
      reason: 'invalid-spec',
      stable: { version: 'v1', replicas: { ready: 1 } },
    });
    expect(await load.stop()).toMatchObject({ failures: [], inFlight: 0 });
    await service.apply({ replicas: 2, healthcheck: { http: '/health' }, imaginary: undefined });
    await service.until(
      'two replicas of the spec that is well again',
      ({ stable }) => stable?.replicas.ready === 2,
    );
  });

  it('that was never well has a status, too, and nothing is started', async () => {
    const service = make();
    await service.apply({ port: 'http' });
    await service.ask('v1');
    const status = await service.until('the report', ({ phase }) => phase === 'invalid');
    expect(status.message).toMatch(/port.*"http"/);
    expect(await service.containers()).toEqual([]);
    await service.apply({ port: 8080, replicas: 1 });
    await service.until('v1', ({ stable }) => stable?.version === 'v1');
  });

  it('that is deleted retires the service: no container, no route, none of the controller’s keys', async () => {
    const service = make();
    await service.stand('v1');
    const load = startLoad(service.target);
    await waitFor('some answers', () => (load.report().byVersion.v1 ?? 0) > 100);
    expect((await load.stop()).failures).toEqual([]);
    await service.retire();
    const { entries } = await slipway.store.list(slipway.keys.service(service.name));
    expect(entries.map(({ key }) => key)).toEqual([slipway.keys.version(service.name)]);
    expect(await slipway.read(slipway.keys.route(service.name))).toBeNull();
  });
});

describe('a first release', () => {
  it('that fails ends as failed with nothing running, and its fix succeeds', async () => {
    const service = make({ spec: { replicas: 1 } });
    await service.apply();
    const failed = await service.release('exits');
    expect(failed.code).toBe(1);
    expect(await slipway.status(service.name)).toMatchObject({ phase: 'failed', stable: null });
    await waitFor('nothing to run', async () => (await service.containers()).length === 0);
    expect((await service.release('v1')).code).toBe(0);
  });
});

describe('a port that is taken', () => {
  it('is named by serve when its admin server cannot listen, and serve ends', async () => {
    const refused = await serveBriefly(slipway.ports.admin, 0);
    expect(refused.code).toBe(1);
    expect(refused.said).toMatch(`cannot listen on 127.0.0.1:${slipway.ports.admin}`);
  });

  it('is named by serve when its proxy cannot listen; the controller stays, and tries again', async () => {
    const { said, code } = await serveBriefly(0, slipway.ports.http);
    expect(said).toMatch(new RegExp(`cannot listen on 127.0.0.1:${slipway.ports.http}`, 'i'));
    expect(code).toBe(0);
  });
});

/** Until it has named a port, or has ended. */
async function serveBriefly(admin: number, http: number): Promise<{ said: string; code: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-port-'));
  const log = openSync(join(folder, 'log'), 'w');
  const own = ['--etcd', slipway.etcd.url, '--prefix', uniquePrefix(), '--data-dir', folder];
  const [spare] = await findFreePorts(1);
  const given = { admin: admin || spare, http: http || spare };
  const ports = ['--admin', `127.0.0.1:${given.admin}`, '--http', `127.0.0.1:${given.http}`];
  const args = ['src/main.ts', 'serve', ...own, ...ports, '--proxy-admin', '127.0.0.1:0'];
  const child = startChild(process.execPath, args, { stdio: ['ignore', log, log], env: cleanEnvironment() });
  const read = () => readFileSync(join(folder, 'log'), 'utf8');
  try {
    await waitFor('a word about the port', () => !child.isRunning() || /cannot listen/i.test(read()));
    await child.stop(60_000);
    return { said: read(), code: await child.exited };
  } finally {
    await child.stop();
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  }
}
