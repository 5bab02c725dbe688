// What every strategy must do, told once and run for each: carry a good version without losing a request, come back
// from every kind of bad one with the evidence, obey the operator's words in the middle, and survive the daemon.
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { StrategyType } from '../../strategies/model.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY, type Version } from '../support/versions.ts';
import { describeBad } from './strategy-bad.ts';
import { describeCrash } from './strategy-crash.ts';
import { describeFix } from './strategy-fix.ts';
import { describeGood } from './strategy-good.ts';
import { describePause } from './strategy-pause.ts';
import { describeWords } from './strategy-words.ts';

export function describeStrategy(strategy: StrategyType): void {
  let slipway: Slipway;
  beforeAll(async () => {
    await buildVersions('v1', 'v2', 'v3', 'late', 'exits', 'never', 'refuses', 'fragile');
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
  describeGood(strategy, given);
  describeBad(strategy, given);
  describeCrash(given);
  describeFix(strategy, given);
  describeWords(strategy, given);
  describePause(strategy, given);
}
