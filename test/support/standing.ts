// One Slipway for a file of tests, and services that stand on it for one test each.
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Service, type ServiceOptions } from './service.ts';
import { type Slipway, startSlipway } from './slipway.ts';
import { buildVersions, REPOSITORY } from './versions.ts';

export interface Standing {
  readonly slipway: Slipway;
  /** A service that serves v1. */
  given(options: Omit<ServiceOptions, 'image'>): Promise<Service>;
}

/** To be called once in a file. What it gives is there once a test runs. */
export function stand(): Standing {
  let slipway: Slipway | null = null;
  const standing: Service[] = [];
  const started = (): Slipway => {
    if (slipway === null) throw new Error('Slipway is not started yet.');
    return slipway;
  };
  beforeAll(async () => {
    await buildVersions('v1', 'v2');
    slipway = await startSlipway();
  });
  afterAll(async () => {
    await slipway?.stop();
  });
  // Told to go and not waited for: what one test left standing would slow the next.
  afterEach(async () => {
    for (const { name } of standing.splice(0)) await started().remove(started().keys.spec(name));
  });
  return {
    get slipway() {
      return started();
    },
    given: async (options) => {
      const service = new Service(started(), { image: REPOSITORY, ...options });
      standing.push(service);
      await service.stand('v1');
      return service;
    },
  };
}
