// Where one story is played again and again on one rig: a service that serves what the last rollout left, with foreign
// containers beside it.
import { Service } from '../support/service.ts';
import type { Slipway } from '../support/slipway.ts';
import type { Version } from '../support/versions.ts';
import { type Foreigners, startForeigners } from './foreign.ts';
import type { Story } from './story.ts';

export interface Stage {
  readonly service: Service;
  readonly foreigners: Pick<Foreigners, 'findHarm'>;
  /** What is to be asked for next, and the revision that serves until then. */
  next(): Promise<{ readonly version: Version; readonly before: number }>;
  close(): Promise<void>;
}

export async function openStage(slipway: Slipway, { options, versions }: Story): Promise<Stage> {
  const service = new Service(slipway, options);
  await service.stand('v1');
  const foreigners = await startForeigners(service);
  return {
    service,
    foreigners,
    next: async () => {
      const status = await service.until('rest', ({ rollout }) => rollout === null);
      // As an operator does who wants a digest tried again.
      for (const digest of await service.quarantined()) {
        await slipway.remove(slipway.keys.quarantine(service.name, digest));
      }
      const version = versions.find((each) => each !== status.stable?.version) ?? versions[0];
      return { version, before: status.stable?.revision ?? 0 };
    },
    close: async () => {
      await foreigners.remove();
      await service.retire();
    },
  };
}
