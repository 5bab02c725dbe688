// What every strategy must do, told once and run for each: carry a good version without losing a request, come back
// from every kind of bad one with the evidence, obey the operator's words in the middle, and survive the daemon.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { download, startEcho, startEvents } from '../../scripts/load-streams.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY, type Version } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';
import { describeBad } from './strategy-bad.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectNoLoss, untilMiddle } from './strategy-checks.ts';
import { describeWords } from './strategy-words.ts';

export function describeStrategy(strategy: StrategyType): void {
  let slipway: Slipway;
  beforeAll(async () => {
    await buildVersions('v1', 'v2', 'v3', 'late', 'exits', 'never', 'refuses');
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
  const given = async (version: Version, options: Partial<ServiceOptions> = {}): Promise<Service> => {
    const service = new Service(slipway, { image: REPOSITORY, strategy, ...options });
    standing.push(service);
    await service.stand(version);
    return service;
  };
  describeGood(given);
  describeBad(strategy, given);
  describeWords(strategy, given);
  describeKill(given);
}

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
