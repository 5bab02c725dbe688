// Before the first test on a real engine: the engine answers, the base image stands. After the last: what this run
// brought into the engine is removed: images, unless the base image stood there before, and the network of all services.
import Docker from 'dockerode';
import { DEFAULT_NETWORK } from '../../deploy/docker-network.ts';
import { isAnswering } from '../../scripts/engine.ts';
import { ensureBaseImage, listImages, removeImages, TEST_REPOSITORY } from '../../scripts/images.ts';

export async function setup(): Promise<() => Promise<void>> {
  const host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  if (!(await isAnswering(host))) {
    throw new Error(`no engine answers at ${host}: run the tests by \`npm test\`, which starts one`);
  }
  const before = await listImages(TEST_REPOSITORY);
  const hadNetwork = (await findNetworks()).length > 0;
  const base = await ensureBaseImage();
  return async () => {
    if (!before.includes(base)) await removeImages(await listImages(TEST_REPOSITORY));
    if (!hadNetwork) await removeUnused(await findNetworks());
  };
}

async function findNetworks(): Promise<readonly Docker.Network[]> {
  const docker = new Docker();
  const found = await docker.listNetworks({ filters: { name: [`^${DEFAULT_NETWORK}$`] } });
  return found.map(({ Id }) => docker.getNetwork(Id));
}

/** One that has containers is somebody's. */
async function removeUnused(networks: readonly Docker.Network[]): Promise<void> {
  for (const network of networks) {
    const { Containers = {} } = await network.inspect();
    if (Object.keys(Containers).length === 0) await network.remove();
  }
}
