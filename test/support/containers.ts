// What tests do to the engine beside the program under test: look at the containers of one key prefix, call them, and
// clear away everything that carries that prefix.
import Docker from 'dockerode';
import { LABELS } from '../../deploy/labels.ts';

export interface FoundContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly revision: number;
  readonly state: string;
}

/** All containers of the prefix, in every state, sorted by name. */
export async function listContainers(
  prefix: string,
  docker: Docker = new Docker(),
): Promise<FoundContainer[]> {
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`${LABELS.prefix}=${prefix}`] },
  });
  return found
    .map((container) => ({
      id: container.Id,
      name: container.Names[0]?.slice(1) ?? '',
      service: container.Labels[LABELS.service] ?? '',
      revision: Number(container.Labels[LABELS.revision] ?? 0),
      state: container.State,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** Removes containers and networks of the prefix; for `afterAll`, whatever the test left. */
export async function removeEverything(prefix: string, docker: Docker = new Docker()): Promise<void> {
  const containers = await listContainers(prefix, docker);
  await Promise.all(
    containers.map(({ id }) => gone(docker.getContainer(id).remove({ force: true, v: true }))),
  );
  const networks = await docker.listNetworks({ filters: { label: [`${LABELS.prefix}=${prefix}`] } });
  await Promise.all(networks.map(({ Id }) => gone(docker.getNetwork(Id).remove())));
}

/** A named volume outlives its containers, as it should, but not its test: containers that still have it go first. */
export async function removeVolume(name: string, docker: Docker = new Docker()): Promise<void> {
  const users = await docker.listContainers({ all: true, filters: { volume: [name] } });
  await Promise.all(users.map(({ Id }) => gone(docker.getContainer(Id).remove({ force: true, v: true }))));
  await gone(docker.getVolume(name).remove({ force: true }));
}

/** Gone already, or being removed by somebody else, is success. */
async function gone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
    if (status !== 404 && status !== 409) throw error;
  }
}
