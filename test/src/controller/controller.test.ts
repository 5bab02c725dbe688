import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeFailure } from '../../../deploy/errors.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { KEYS, readStatus, SPEC, startFakeProxy, startLoop, until } from './stage.ts';

let etcd: FakeEtcd;
let runtime: FakeRuntime;
let proxy: Awaited<ReturnType<typeof startFakeProxy>>;
let loop: Awaited<ReturnType<typeof startLoop>>;

beforeEach(async () => {
  etcd = new FakeEtcd();
  runtime = new FakeRuntime();
  for (const version of ['v1', 'v2']) runtime.addImage('registry.test/web', version);
  runtime.addImage('registry.test/web', 'bad', {
    readyAfterMs: Number.POSITIVE_INFINITY,
    log: ['it says why'],
  });
  proxy = await startFakeProxy(etcd);
  loop = await startLoop(etcd, runtime);
});

afterEach(async () => {
  await loop.close();
  await proxy.close();
});

const outcome = () => readStatus(etcd)?.last?.outcome ?? null;
const running = async () =>
  (await runtime.list(KEYS.prefix)).filter((c) => c.state === 'running').map((c) => c.name);

const listPhases = () =>
  loop.events.since('').events.flatMap(({ event }) => {
    return event.kind === 'phase-changed' ? [`${event.from} → ${event.to} (${event.reason})`] : [];
  });

async function release(version: string): Promise<void> {
  const revision = etcd.put(KEYS.version('web'), version);
  await until(() => readStatus(etcd)?.last?.requested === revision);
}

async function startStable(): Promise<void> {
  etcd.put(KEYS.spec('web'), SPEC);
  await release('v1');
  expect(outcome()).toBe('succeeded');
}

describe('a version key becomes traffic', () => {
  it('starts what the spec asks for and routes to it', async () => {
    await startStable();
    expect(await running()).toEqual(['web-r1-1', 'web-r1-2']);
    const route = JSON.parse(etcd.value(KEYS.route('web')) ?? 'null');
    expect(route.split).toEqual({ 1: 100 });
    expect(route.targets).toHaveLength(2);
    expect(readStatus(etcd)).toMatchObject({
      phase: 'idle',
      reason: null,
      stable: { revision: 1, version: 'v1' },
    });
  });

  it('replaces every replica by the next version and removes the old ones', async () => {
    await startStable();
    await release('v2');
    await until(() => runtime.calls.filter((call) => call.startsWith('remove web-r1')).length === 2);
    expect(outcome()).toBe('succeeded');
    expect(await running()).toEqual(['web-r2-1', 'web-r2-2']);
  });

  it('rolls out the same tag of another repository, and leads back to the former one', async () => {
    await startStable();
    runtime.addImage('mirror.test/web', 'v1');
    etcd.put(KEYS.spec('web'), SPEC.replace('registry.test', 'mirror.test'));
    await until(() => readStatus(etcd)?.stable?.revision === 2);
    expect(readStatus(etcd)).toMatchObject({ phase: 'idle', stable: { revision: 2, version: 'v1' } });
    const { image, reference } = JSON.parse(etcd.value(KEYS.revision('web', 2)) ?? '{}');
    expect([image, reference]).toEqual([
      'mirror.test/web',
      expect.stringMatching(/^mirror\.test\/web@sha256:/),
    ]);
    const first = JSON.parse(etcd.value(KEYS.revision('web', 1)) ?? '{}');
    runtime.addImage('registry.test/web', first.digest);
    etcd.put(KEYS.command('web'), 'rollback 1');
    await until(() => readStatus(etcd)?.stable?.revision === 1);
    expect(readStatus(etcd)?.stable).toMatchObject({ revision: 1, digest: first.digest });
  });

  it('records revisions and the receipt under their own keys', async () => {
    await startStable();
    const revision = JSON.parse(etcd.value(KEYS.revision('web', 1)) ?? 'null');
    expect(revision).toMatchObject({ number: 1, version: 'v1', image: 'registry.test/web' });
    const id = readStatus(etcd)?.last?.id ?? '';
    expect(JSON.parse(etcd.value(KEYS.history('web', id)) ?? 'null')).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('a bad version', () => {
  it('is rolled back with evidence, quarantined, and refused the second time', async () => {
    await startStable();
    await release('bad');
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'rolled-back', reason: 'probe-failed' });
    expect(readStatus(etcd)?.last?.evidence[0]).toMatchObject({ replica: 'web-r2-1', log: ['it says why'] });
    expect(readStatus(etcd)).toMatchObject({
      reason: 'quarantined',
      version: 'bad',
      stable: { version: 'v1' },
    });
    await release('bad');
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'rolled-back', reason: 'quarantined' });
    expect(await running()).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('loses its traffic at once when it goes bad in the bake, and its logs are kept all the same', async () => {
    runtime.addImage('registry.test/web', 'late', { failsAfterMs: 400, log: ['it went bad'] });
    etcd.put(KEYS.spec('web'), SPEC.replace('monitor: 0s', 'monitor: 20s'));
    const first = etcd.put(KEYS.version('web'), 'v1');
    await until(() => readStatus(etcd)?.phase === 'monitoring');
    etcd.put(KEYS.command('web'), 'promote');
    await until(() => readStatus(etcd)?.last?.requested === first);
    await release('late');
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'rolled-back', reason: 'probe-failed' });
    expect(readStatus(etcd)?.last?.evidence[0]?.log).toEqual(['it went bad']);
  });

  it('that does not exist stops nothing', async () => {
    await startStable();
    await release('v9');
    expect(readStatus(etcd)?.last).toMatchObject({ outcome: 'rolled-back', reason: 'image-pull-failed' });
    expect(runtime.calls.filter((call) => call.startsWith('stop'))).toEqual([]);
  }, 30_000);
});

describe('the order that loses no request', () => {
  it('stops nothing while a proxy has requests in flight, until the drain deadline', async () => {
    etcd.put(KEYS.spec('web'), SPEC.replace('200ms', '30s'));
    await release('v1');
    const address = (await runtime.list(KEYS.prefix))[0]?.address;
    proxy.busy[`1@${address}`] = 1;
    proxy.say();
    etcd.put(KEYS.version('web'), 'v2');
    await until(() => JSON.parse(etcd.value(KEYS.route('web')) ?? '{}').split?.[2] !== undefined);
    await until(() => runtime.calls.includes('stop web-r1-1'), 300);
    expect(runtime.calls).not.toContain('stop web-r1-1');
    proxy.busy[`1@${address}`] = 0;
    proxy.say();
    await until(() => outcome() === 'succeeded' && runtime.calls.includes('stop web-r1-1'));
    expect(runtime.calls).toContain('stop web-r1-1');
  });

  it.each([
    ['has not acknowledged the table', 0],
    ['acknowledged one of an etcd before a restore', 1_000_000],
    ['acknowledged one of before that this etcd grows past', 40],
  ])('stops nothing while a live proxy %s', async (_, ahead) => {
    await startStable();
    etcd.put(KEYS.proxy('frozen'), JSON.stringify({ applied: etcd.revision + ahead }));
    etcd.put(KEYS.version('web'), 'v2');
    await until(() => readStatus(etcd)?.reason === 'waiting-for-proxies');
    expect(readStatus(etcd)?.message).toContain('frozen');
    const stops = () => runtime.calls.filter((call) => call.startsWith('stop'));
    for (let word = 0; word < 50; word += 1) proxy.say();
    await until(() => stops().length > 0, 300);
    expect(stops()).toEqual([]);
    etcd.put(KEYS.proxy('frozen'), JSON.stringify({ applied: 0, leaving: true }));
    etcd.delete(KEYS.proxy('frozen'));
    await until(() => readStatus(etcd)?.stable?.version === 'v2');
    expect(readStatus(etcd)?.stable?.version).toBe('v2');
  });
});

describe('commands', () => {
  it('are consumed in the transaction that records their effect', async () => {
    await startStable();
    const written = etcd.put(KEYS.command('web'), 'pause');
    await until(() => etcd.value(KEYS.command('web')) === null);
    await until(() => readStatus(etcd)?.observed.command === written);
    expect(readStatus(etcd)?.message).toContain('Nothing to pause');
    expect(etcd.value(KEYS.command('web'))).toBeNull();
  });

  it('stay known by their number when another version is asked for', async () => {
    await startStable();
    const written = etcd.put(KEYS.command('web'), 'pause');
    await until(() => readStatus(etcd)?.observed.command === written);
    await release('v2');
    expect(readStatus(etcd)).toMatchObject({ stable: { version: 'v2' }, observed: { command: written } });
    expect(readStatus(etcd)?.message).not.toContain('Refused');
  });

  it('that are no words are refused and consumed too', async () => {
    await startStable();
    etcd.put(KEYS.command('web'), 'explode');
    await until(() => readStatus(etcd)?.message.includes('explode') === true);
    expect(readStatus(etcd)?.message).toContain('explode');
    expect(etcd.value(KEYS.command('web'))).toBeNull();
  });
});

describe('bad input', () => {
  it('says in the message that a command is refused, also while the spec is spoilt', async () => {
    await startStable();
    etcd.put(KEYS.spec('web'), 'replicas: many\n');
    await until(() => readStatus(etcd)?.phase === 'invalid');
    const written = etcd.put(KEYS.command('web'), 'pause');
    await until(() => readStatus(etcd)?.observed.command === written);
    expect(readStatus(etcd)?.message).toMatch(/^Refused: Nothing to pause: .* spec: image: /);
  });

  it('reports every problem of a spoilt spec, and what runs goes on', async () => {
    await startStable();
    etcd.put(KEYS.spec('web'), 'image: registry.test/web\nreplicas: many\ncolour: blue\n');
    await until(() => readStatus(etcd)?.phase === 'invalid');
    const message = readStatus(etcd)?.message ?? '';
    expect(message).toContain('replicas');
    expect(message).toContain('colour');
    expect(await running()).toEqual(['web-r1-1', 'web-r1-2']);
    runtime.removeByHand('web-r1-1');
    await until(() => runtime.calls.filter((call) => call === 'start web-r1-1').length === 2);
    expect(runtime.calls.filter((call) => call === 'start web-r1-1')).toHaveLength(2);
  });

  it('tells of each change of the phase once, also while the spec is spoilt', async () => {
    await startStable();
    etcd.put(KEYS.spec('web'), 'replicas: many\n');
    await until(() => listPhases().at(-1) === 'idle → invalid (invalid-spec)');
    // Passes on which nothing changes.
    const written = etcd.put(KEYS.command('web'), 'pause');
    await until(() => readStatus(etcd)?.observed.command === written);
    etcd.put(KEYS.spec('web'), SPEC);
    await until(() => listPhases().at(-1)?.startsWith('invalid → idle') === true);
    expect(listPhases().slice(-2)).toEqual(['idle → invalid (invalid-spec)', 'invalid → idle (null)']);
  });

  it('says so when the first spec is refused, and forgets it with the key', async () => {
    etcd.put(KEYS.spec('web'), 'replicas: 2\n');
    await until(() => readStatus(etcd)?.phase === 'invalid');
    expect(readStatus(etcd)).toMatchObject({ phase: 'invalid', reason: 'invalid-spec' });
    const { text } = await loop.metrics.render();
    expect(text).toContain('slipway_rollout_phase{service="web",phase="invalid"} 1');
    expect(text).not.toContain('strategy="');
    etcd.delete(KEYS.spec('web'));
    await until(() => readStatus(etcd) === null);
    expect(readStatus(etcd)).toBeNull();
  });

  it('consumes and refuses a command for a service that never had a valid spec', async () => {
    etcd.put(KEYS.spec('web'), 'replicas: 2\n');
    await until(() => readStatus(etcd)?.phase === 'invalid');
    const written = etcd.put(KEYS.command('web'), 'abort');
    await until(() => readStatus(etcd)?.observed.command === written);
    expect(etcd.value(KEYS.command('web'))).toBeNull();
    expect(readStatus(etcd)?.message).toMatch(/^Refused: There is no valid spec\. spec: image: /);
    etcd.delete(KEYS.spec('web'));
    await until(() => readStatus(etcd) === null);
    expect([etcd.value(KEYS.status('web')), etcd.value(KEYS.rollout('web'))]).toEqual([null, null]);
  });

  it('consumes a command for a service that is not there, and leaves nothing of it', async () => {
    etcd.put(KEYS.command('ghost'), 'promote');
    await until(() => etcd.value(KEYS.command('ghost')) === null);
    expect([etcd.value(KEYS.status('ghost')), etcd.value(KEYS.rollout('ghost'))]).toEqual([null, null]);
  });

  it('does nothing for a service whose record does not parse', async () => {
    await startStable();
    etcd.put(KEYS.rollout('web'), '{');
    etcd.put(KEYS.version('web'), 'v2');
    await until(() => readStatus(etcd)?.reason === 'internal-error');
    expect(readStatus(etcd)?.message).toContain(KEYS.rollout('web'));
    expect(await running()).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('tells at once when a proxy refuses the table of a service at rest, and when it takes it', async () => {
    await startStable();
    const applied = etcd.revision;
    etcd.put(KEYS.proxy('p1'), JSON.stringify({ applied, refused: { web: 'route belongs to shop' } }));
    await until(() => readStatus(etcd)?.reason === 'waiting-for-proxies');
    expect(readStatus(etcd)?.message).toContain('p1 refuses the table: route belongs to shop');
    etcd.put(KEYS.proxy('p1'), JSON.stringify({ applied, refused: {} }));
    await until(() => readStatus(etcd)?.reason === null);
    expect(readStatus(etcd)).toMatchObject({ phase: 'idle', reason: null });
  });

  it('counts keys of no known shape', async () => {
    etcd.put('/slipway/services/web/colour', 'blue');
    await until(() => loop.events.since('').events.some(({ event }) => event.kind === 'invalid-key'));
    const { text } = await loop.metrics.render();
    expect(text).toContain('slipway_store_invalid_keys 1');
  });
});

describe('the world moves', () => {
  it('replaces a container that was removed by hand', async () => {
    await startStable();
    runtime.removeByHand('web-r1-2');
    await until(() => runtime.calls.filter((call) => call === 'start web-r1-2').length === 2);
    await until(() => readStatus(etcd)?.stable?.replicas.ready === 2);
    expect(await running()).toEqual(['web-r1-1', 'web-r1-2']);
  });

  it('retires a service whose spec is gone, and everything written for it', async () => {
    await startStable();
    etcd.delete(KEYS.spec('web'));
    await until(() => etcd.value(KEYS.rollout('web')) === null);
    expect(await runtime.list(KEYS.prefix)).toEqual([]);
    const left = [KEYS.route('web'), KEYS.status('web'), KEYS.rollout('web'), KEYS.revision('web', 1)];
    expect(left.map((key) => etcd.value(key))).toEqual([null, null, null, null]);
    expect(etcd.value(KEYS.version('web'))).toBe('v1');
  });

  it('tells when the engine is away, and goes on when it is back', async () => {
    await startStable();
    runtime.goAway();
    etcd.put(KEYS.version('web'), 'v2');
    await until(() => readStatus(etcd)?.reason === 'engine-unavailable');
    expect(readStatus(etcd)).toMatchObject({ reason: 'engine-unavailable', stable: { version: 'v1' } });
    runtime.comeBack();
    await until(() => readStatus(etcd)?.stable?.version === 'v2');
    expect(readStatus(etcd)).toMatchObject({ phase: 'idle', stable: { version: 'v2' } });
  });

  it('tries a start again after a trouble of the engine', async () => {
    await startStable();
    runtime.failNext('start', new RuntimeFailure('engine-unavailable', 'it hiccups'), 2);
    await release('v2');
    expect(outcome()).toBe('succeeded');
  });

  it('looks like nothing once it has converged: no writes, no range reads', async () => {
    await startStable();
    await until(() => readStatus(etcd)?.phase === 'idle');
    await until(() => false, 200);
    const before = { revision: etcd.revision, lists: etcd.calls.get('list') };
    loop.controller.markAll();
    await until(() => false, 200);
    expect({ revision: etcd.revision, lists: etcd.calls.get('list') }).toEqual(before);
  });
});

describe('without a port', () => {
  it('what a new controller finds running gates a version that waited for it', async () => {
    const steps = '[{ weight: 10 }, { pause: manual }]';
    const portless = SPEC.replace('port: 8080\n', '')
      .replace('{ http: /health,', '{')
      .replace('type: rolling,', `type: canary, steps: ${steps},`);
    etcd.put(KEYS.spec('web'), portless);
    await release('v1');
    await loop.close();
    etcd.put(KEYS.version('web'), 'v2');
    loop = await startLoop(etcd, runtime);
    await until(() => readStatus(etcd)?.candidate != null);
    const record = JSON.parse(etcd.value(KEYS.rollout('web')) ?? '{}');
    expect(record.memory.rollout).toMatchObject({ version: 'v2', gated: true });
  });
});

describe('two controllers', () => {
  it('one leads, and the other goes on where it was', async () => {
    await startStable();
    const second = await startLoop(etcd, runtime);
    try {
      expect(second.leader.isLeader()).toBe(false);
      expect((await loop.metrics.render()).text).toContain('service="web"');
      expect((await second.metrics.render()).text).not.toContain('service="web"');
      await loop.close();
      await until(() => second.leader.isLeader());
      await release('v2');
      expect(readStatus(etcd)?.stable?.version).toBe('v2');
    } finally {
      await second.close();
      loop = await startLoop(etcd, runtime);
    }
  });
});

describe('a record from a clock that was ahead', () => {
  const DAY = 86_400_000;

  it('is never taken for the future: the rollout goes on, and people see the right time', async () => {
    await startStable();
    await loop.close();
    const text = etcd.value(KEYS.rollout('web')) ?? '';
    expect(JSON.parse(text).at).toBeGreaterThan(Date.now() - DAY / 2);
    etcd.put(KEYS.rollout('web'), JSON.stringify({ ...JSON.parse(text), at: Date.now() + DAY }));
    loop = await startLoop(etcd, runtime);
    await release('v2');
    expect(outcome()).toBe('succeeded');
    expect(JSON.parse(etcd.value(KEYS.rollout('web')) ?? '').at).toBeGreaterThan(Date.now() + DAY / 2);
    expect(Date.parse(readStatus(etcd)?.updated ?? '')).toBeLessThan(Date.now() + DAY / 2);
    expect(Date.parse(readStatus(etcd)?.last?.ended ?? '')).toBeLessThan(Date.now() + DAY / 2);
  });
});
