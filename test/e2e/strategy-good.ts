// A good version, carried by every strategy: no request lost, none to a replica that is not ready yet or has left the
// table, what is long comes to its end; and after the daemon was killed, too.
import { expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { startDownload, startEcho, startEvents } from '../../scripts/load-streams.ts';
import type { StrategyType } from '../../strategies/model.ts';
import { Audience } from '../support/audience.ts';
import { READINGS_LEAST, watchDepartures } from '../support/departures.ts';
import { waitFor } from '../support/wait.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectLoad, expectNoLoss, promoteToTheEnd } from './strategy-checks.ts';
import { furthestOf, untilMiddle } from './strategy-middle.ts';

export function describeGood(strategy: StrategyType, given: Given): void {
  describeCarrying(given);
  describeStreams(given);
  describeKill(strategy, given);
}

function describeCarrying(given: Given): void {
  it('carries a version that is slow to get ready: nothing lost, nothing sent astray, what is long stays whole', async () => {
    const service = await given('v1');
    const former = await service.containers();
    const load = startLoad(service.target);
    const download = startDownload(service.target, 10);
    const pair = [startEcho(service.target), startEvents(service.target)];
    const audience = new Audience(service.target, pair, [download]);
    await audience.cover(former);
    const departures = watchDepartures(service, audience);
    const finished = await service.finish(await service.ask('late'));
    expect([finished.outcome, finished.reason, finished.message]).toEqual([
      'succeeded',
      null,
      'All traffic is on it.',
    ]);
    await expectAlone(service, 'late');
    const left = await departures.stop();
    expect(left.map(({ replica }) => replica).sort()).toEqual(former.map(({ id }) => id.slice(0, 12)).sort());
    for (const departure of left) {
      expect(departure.readings).toBeGreaterThanOrEqual(READINGS_LEAST);
      expect(departure.after - departure.before, JSON.stringify(departure)).toBeLessThanOrEqual(
        departure.inHand,
      );
    }
    const ends = await audience.end();
    expect(ends.map(({ version, problem }) => [version, problem])).toEqual(ends.map(() => ['v1', null]));
    const report = await load.stop();
    expectNoLoss(report);
    expectLoad(report);
    expect(Object.keys(report.byVersion).sort()).toEqual(['late', 'v1']);
  });
}

function describeStreams(given: Given): void {
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

function describeKill(strategy: StrategyType, given: Given): void {
  const middle = furthestOf(strategy);

  it(`goes on after the daemon was killed ${middle.what}, and traffic never stops`, async () => {
    const service = await given('v1');
    await service.tune(middle.tuning);
    const { slipway } = service;
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, middle);
    await slipway.endDaemon('SIGKILL');
    const answered = () => load.report().requests - load.report().inFlight;
    const before = answered();
    await waitFor('traffic without a controller', () => answered() > before + 200);
    await slipway.startDaemon();
    expect((await promoteToTheEnd(service, requested)).outcome).toBe('succeeded');
    await expectAlone(service, 'late');
    expectNoLoss(await load.stop());
  });
}
