// What every strategy must do, told once and run for each: carry a good version without losing a request, come back
// from every kind of bad one with the evidence, obey the operator's words in the middle, and survive the daemon.
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeImages } from '../../scripts/images.ts';
import { type LoadReport, startLoad } from '../../scripts/load.ts';
import { download, startEcho, startEvents } from '../../scripts/load-streams.ts';
import type { FinishedDocument } from '../../src/cli/documents.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { startRegistry } from '../contract/registry.ts';
import { QUICK_CHECK, Service, type ServiceOptions } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, nameVersions, REPOSITORY, type Version } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

export function describeStrategy(strategy: StrategyType): void {
  let slipway: Slipway;
  beforeAll(async () => {
    await buildVersions('v1', 'v2', 'v3', 'late', 'exits', 'never', 'refuses');
    slipway = await startSlipway();
  });
  afterAll(async () => {
    await slipway?.stop();
  });
  const given = async (version: Version, options: Partial<ServiceOptions> = {}): Promise<Service> => {
    const service = new Service(slipway, { image: REPOSITORY, strategy, ...options });
    await service.stand(version);
    return service;
  };
  describeGood(given);
  describeBad(strategy, given);
  describeWords(strategy, given);
  describeKill(given);
}

type Given = (version: Version, options?: Partial<ServiceOptions>) => Promise<Service>;

function describeGood(given: Given): void {
  it('carries v2 under load: no request lost, a download, a WebSocket and an event stream whole', async () => {
    const service = await given('v1');
    const load = startLoad(service.target);
    const streams = [startEcho(service.target), startEvents(service.target)];
    const downloaded = download(service.target, 10);
    await waitFor('the streams to run', () => streams.every((stream) => stream.received() > 0));
    const requested = await service.ask('v2');
    const whole = await downloaded;
    const closed = await Promise.all(streams.map((stream) => stream.close()));
    const finished = await service.finish(requested);
    const report = await load.stop();
    expect([whole, ...closed].map(({ problem, version }) => [version, problem])).toEqual([
      ['v1', null],
      ['v1', null],
      ['v1', null],
    ]);
    expect([finished.version, finished.outcome, finished.reason, finished.message]).toEqual([
      'v2',
      'succeeded',
      null,
      'All traffic is on it.',
    ]);
    expectNoLoss(report);
    expect(Object.keys(report.byVersion).sort()).toEqual(['v1', 'v2']);
    expect(report.requests).toBeGreaterThan(2000);
    await expectAlone(service, 'v2');
  });

  it('ends streams that outlive drain_timeout, cleanly, and loses no request', async () => {
    const service = await given('v1', { spec: { drain_timeout: '1s', replicas: 1 } });
    const load = startLoad(service.target);
    const streams = [startEcho(service.target), startEvents(service.target)];
    await waitFor('the streams to run', () => streams.every((stream) => stream.received() > 0));
    await service.succeed('v2');
    const ended = await Promise.all(streams.map((stream) => stream.ended));
    expect(ended.map(({ version, endedBy, problem }) => [version, endedBy, problem])).toEqual([
      ['v1', 'them', null],
      ['v1', 'them', null],
    ]);
    expectNoLoss(await load.stop());
  });
}

interface BadVersion {
  readonly what: string;
  readonly version: Version;
  readonly reason: string;
  readonly evidence: readonly object[];
}

const BAD: readonly BadVersion[] = [
  {
    what: 'exits at once',
    version: 'exits',
    reason: 'container-exited',
    evidence: [{ exitCode: 3, log: ['fatal: refused to start, as told by EXIT_AT_ONCE'] }],
  },
  {
    what: 'never gets ready',
    version: 'never',
    reason: 'probe-failed',
    evidence: [{ probe: expect.stringContaining('503'), log: ['version never listens on 8080'] }],
  },
  {
    what: 'answers its probe with 500',
    version: 'refuses',
    reason: 'probe-failed',
    evidence: [{ probe: expect.stringContaining('500'), log: ['version refuses listens on 8080'] }],
  },
];

function describeBad(strategy: StrategyType, given: Given): void {
  it.each(BAD)('comes back from a version that $what, and refuses it the next time', async (bad) => {
    const service = await given('v2', { spec: { healthcheck: QUICK_CHECK } });
    const stable = (await service.slipway.status(service.name))?.stable?.digest;
    const load = startLoad(service.target);
    const verdict = await service.release(bad.version);
    const [finished] = (await service.history()).filter(({ version }) => version === bad.version);
    expect([verdict.code, finished?.outcome, finished?.reason]).toEqual([3, 'rolled-back', bad.reason]);
    expectEvidence(finished, bad.evidence);
    expect(await service.quarantined()).toEqual([finished?.digest]);
    const status = await service.until('rest', ({ rollout }) => rollout === null);
    expect(status).toMatchObject({
      ...{ phase: 'idle', reason: 'quarantined', version: bad.version },
      ...{ stable: { version: 'v2', digest: stable }, candidate: null, last: { id: finished?.id } },
    });
    expectEvidence(status.last, bad.evidence);
    expect((await service.release(bad.version)).code).toBe(6);
    await expectAlone(service, 'v2');
    const report = await load.stop();
    expectNoLoss(report);
    expect(Object.keys(report.byVersion)).toEqual(['v2']);
  });

  it('comes back from a version that gets ready and crashes in the bake window', async () => {
    const service = await given('v2');
    await service.tune({ monitor: '60s' });
    const load = startLoad(service.target);
    const requested = await service.ask('v3');
    await service.until('the bake', ({ phase }) => phase === 'monitoring');
    await crash(service, 'v3');
    const finished = await service.finish(requested);
    expect(finished).toMatchObject({ outcome: 'rolled-back', reason: 'container-exited' });
    expectEvidence(finished, [
      { exitCode: 7, log: expect.arrayContaining(['fatal: crashed with code 7, as told by /crash']) },
    ]);
    expect(await service.quarantined()).toEqual([finished.digest]);
    await expectAlone(service, 'v2');
    expectOnlyInFlight(await load.stop(), 'v3');
  });

  it('refuses a version that does not exist before anything is stopped', async () => {
    const registry = await startRegistry();
    const image = `${registry.host}/${strategy}`;
    const names = await nameVersions(image, 'v2');
    try {
      const service = await given('v2', { image });
      const before = (await service.containers()).map(({ id }) => id);
      const load = startLoad(service.target);
      expect((await service.release('v9')).code).toBe(3);
      const last = (await service.until('rest', ({ rollout }) => rollout === null)).last;
      expect(last).toMatchObject({ version: 'v9', outcome: 'rolled-back', reason: 'image-pull-failed' });
      expect(last?.message).toMatch(/missing: .*manifest.*unknown/s);
      expectNoLoss(await load.stop());
      expect((await service.containers()).map(({ id }) => id)).toEqual(before);
      expect(await service.quarantined()).toEqual([]);
      await service.retire();
    } finally {
      await removeImages(names);
      await registry.close();
    }
  });
}

/** Of each strategy, a rollout that stands in the middle until a word is said or two seconds have passed. */
const HELD: Readonly<Record<StrategyType, Partial<ServiceOptions>>> = {
  recreate: {},
  rolling: {},
  'blue-green': { tuning: { promotion: 'manual' } },
  canary: { tuning: { steps: [{ weight: 34 }, { pause: 'manual' }, { weight: 67 }, { pause: 'manual' }] } },
};

function describeWords(strategy: StrategyType, given: Given): void {
  describe.each([
    ['abort', 'aborted'],
    ['rollback', 'rolled-back'],
  ] as const)('%s in the middle', (word, outcome) => {
    it(`ends the rollout as ${outcome} and loses no request`, async () => {
      const service = await given('v1', HELD[strategy]);
      const load = startLoad(service.target);
      const requested = await service.ask('late');
      await untilMiddle(service);
      await service.command(word);
      expect((await service.finish(requested)).outcome).toBe(outcome);
      await expectAlone(service, 'v1');
      expect(await service.quarantined()).toEqual([]);
      expectNoLoss(await load.stop());
    });
  });

  it('goes back to an older revision in the middle', async () => {
    const service = await given('v1', HELD[strategy]);
    expect((await promoteToTheEnd(service, await service.ask('v2'))).outcome).toBe('succeeded');
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service);
    await service.command('rollback 1');
    expect((await service.finish(requested)).outcome).toBe('superseded');
    const status = await service.until('v1', ({ rollout, stable }) => !rollout && stable?.version === 'v1');
    expect(status.last).toMatchObject({ kind: 'rollback', outcome: 'succeeded', revision: 1 });
    await expectAlone(service, 'v1');
    expectNoLoss(await load.stop());
  });

  it('pauses in the middle, resumes, is promoted, and loses no request', async () => {
    const service = await given('v1', HELD[strategy]);
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await service.until('the rollout', ({ candidate }) => candidate !== null);
    await service.command('pause');
    // A recreate that has begun to stop cannot stand still without an outage: it goes on, and pauses after.
    const paused = await service.until('the pause', ({ reason }) => reason === 'paused-by-operator');
    expect(paused.phase).toBe('paused');
    await service.command('resume');
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });

  it('is superseded by a newer version in the middle, and the first waiter learns it', async () => {
    const service = await given('v1', HELD[strategy]);
    const load = startLoad(service.target);
    const waiter = service.release('late');
    await untilMiddle(service);
    const requested = await service.ask('v3');
    expect((await waiter).code).toBe(4);
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'v3');
    expectNoLoss(await load.stop());
  });
}

function describeKill(given: Given): void {
  it('goes on after the daemon was killed in the middle, and traffic never stops', async () => {
    const service = await given('v1');
    const { slipway } = service;
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service);
    await slipway.endDaemon('SIGKILL');
    const before = load.report().requests - load.report().inFlight;
    await waitFor('traffic without a controller', () => {
      const { requests, inFlight } = load.report();
      return requests - inFlight > before + 200 || service.name.startsWith('recreate');
    });
    await slipway.startDaemon();
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });
}

async function untilMiddle(service: Service): Promise<void> {
  await service.until('a candidate that starts', ({ candidate }) => (candidate?.replicas.total ?? 0) > 0);
}

/** Says `promote` wherever this request's rollout waits for it, and returns what became of it. */
async function promoteToTheEnd(service: Service, requested: number): Promise<FinishedDocument> {
  for (;;) {
    const { last } = await service.until(
      'a wait for promotion, or the end',
      ({ reason, rollout, last }) =>
        last?.requested === requested ||
        (rollout?.requested === requested && reason === 'waiting-for-promotion'),
    );
    if (last?.requested === requested) return last;
    await service.command('promote');
  }
}

/** From inside, as a program crashes: at every replica of the version. */
async function crash(service: Service, version: string): Promise<void> {
  const status = await service.slipway.status(service.name);
  const revision = [status?.candidate, status?.stable].find((role) => role?.version === version)?.revision;
  const [first] = (await service.containers()).filter((each) => each.revision === revision);
  if (first === undefined) throw new Error(`no container of ${version}`);
  const { NetworkSettings } = await new Docker().getContainer(first.id).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  await fetch(`http://${network?.IPAddress}:8080/crash?code=7`).catch(() => undefined);
}

function expectNoLoss(report: LoadReport): void {
  expect(countReasons(report)).toEqual({});
  expect(report.inFlight).toBe(0);
}

/** By what was asked and what went wrong, without what differs each time. */
function countReasons({ failures }: LoadReport): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { what, reason } of failures) {
    const kind = `${what}: ${reason.replace(/, request .*/, '')}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** What a replica that crashed had in its hands is lost with it; nothing else may be. */
function expectOnlyInFlight(report: LoadReport, version: string): void {
  const lost = report.failures.filter(
    (failure) => !/^status 502|^cut off/.test(failure.reason) || failure.what !== 'POST /echo',
  );
  expect(lost, `lost on ${version}`).toEqual([]);
  expect(report.failures.length).toBeLessThanOrEqual(3);
}

function expectEvidence(finished: FinishedDocument | null | undefined, wanted: readonly object[]): void {
  const evidence = finished?.evidence ?? [];
  for (const each of wanted) expect(evidence).toContainEqual(expect.objectContaining(each));
  expect(evidence[0]).toHaveProperty('replica');
}

/** Only the version's replicas stand, all ready, and the table names nothing else. */
async function expectAlone(service: Service, version: string): Promise<void> {
  const status = await service.until(
    `${version} alone`,
    ({ stable, rollout }) =>
      rollout === null && stable?.version === version && stable.weight.effective === 100,
  );
  const revision = status.stable?.revision;
  await waitFor(`only revision ${revision}`, async () => {
    const all = await service.containers();
    return all.length === status.stable?.replicas.wanted && all.every((each) => each.revision === revision);
  });
  const route: unknown = JSON.parse(
    (await service.slipway.read(service.slipway.keys.route(service.name))) ?? '{}',
  );
  expect(route).toMatchObject({ split: { [String(revision)]: 100 } });
}
