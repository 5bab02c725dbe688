// Containers that are none of Slipway's, next to those that are: one that carries no label, and one of another prefix
// that says of itself what a replica of the service would. Whatever happens, nobody touches them.
import type Docker from 'dockerode';
import { LABELS } from '../../deploy/labels.ts';
import { uniqueName, uniquePrefix } from '../support/names.ts';
import type { Service } from '../support/service.ts';
import { REPOSITORY } from '../support/versions.ts';

export interface Foreigners {
  /** What has become of them that should not have. */
  findHarm(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export async function startForeigners({ name, slipway }: Service): Promise<Foreigners> {
  const disguise = {
    ...{
      [LABELS.prefix]: uniquePrefix(),
      [LABELS.service]: name,
      [LABELS.revision]: '1',
      [LABELS.ordinal]: '0',
    },
    ...{ [LABELS.version]: 'v1', [LABELS.digest]: '', [LABELS.settings]: '', [LABELS.port]: '8080' },
  };
  const foreigners = await Promise.all([
    startForeigner(slipway.docker, `${name}-r1-7`, {}),
    startForeigner(slipway.docker, uniqueName(name), disguise),
  ]);
  return {
    findHarm: async () => (await Promise.all(foreigners.map((each) => each.findHarm()))).flat(),
    remove: async () => {
      for (const each of foreigners) await each.remove();
    },
  };
}

async function startForeigner(docker: Docker, name: string, labels: Readonly<Record<string, string>>) {
  const container = await docker.createContainer({ name, Image: `${REPOSITORY}:v1`, Labels: labels });
  await container.start();
  const { State: begun } = await container.inspect();
  return {
    findHarm: async (): Promise<readonly string[]> => {
      const now = await container.inspect().catch(() => null);
      if (now === null) return [`the foreign container ${name} is gone`];
      const { Running, StartedAt } = now.State;
      return Running && StartedAt === begun.StartedAt ? [] : [`the foreign container ${name} was stopped`];
    },
    remove: async () => {
      await container.remove({ force: true, v: true }).catch(() => undefined);
    },
  };
}
