// The controller stopped in order, in the middle of a rollout, beside a proxy that runs by itself: traffic goes on
// without it, and the next controller ends what the first one began.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';
import { SHARING, untilMiddle } from './strategy-middle.ts';

let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1', 'late');
  slipway = await startSlipway({ isProxyApart: true });
});
afterAll(async () => {
  await slipway?.stop();
});

describe('a controller that gets SIGTERM in the middle', () => {
  it('leaves the proxy serving, and its successor carries on', async () => {
    const service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling' });
    await service.stand('v1');
    const load = startLoad(service.target);
    const requested = await service.ask('late');
    await untilMiddle(service, load, SHARING);
    await slipway.endDaemon('SIGTERM');
    expect(await slipway.read(slipway.keys.leader)).toBeNull();
    const answered = () => Object.values(load.report().byVersion).reduce((sum, count) => sum + count, 0);
    const before = answered();
    await waitFor('traffic without a controller', () => answered() > before + 400);
    expect((await service.history()).length).toBe(1);
    await slipway.startDaemon();
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    expect((await load.stop()).failures).toEqual([]);
  });
});
