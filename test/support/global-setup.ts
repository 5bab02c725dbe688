// Before the first test on a real engine: the engine answers, the base image stands. After the last: what this run
// brought into the engine is removed: images, unless the base image stood there before, and the network of all services.
import { isAnswering } from '../../scripts/engine.ts';
import { ensureBaseImage, listImages, removeImages, TEST_REPOSITORY } from '../../scripts/images.ts';
import { hasNetwork, removeNetwork } from '../../scripts/network.ts';

export async function setup(): Promise<() => Promise<void>> {
  const host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  if (!(await isAnswering(host))) {
    throw new Error(`no engine answers at ${host}: run the tests by \`npm test\`, which starts one`);
  }
  const before = await listImages(TEST_REPOSITORY);
  const hadNetwork = await hasNetwork();
  const base = await ensureBaseImage();
  return async () => {
    if (!before.includes(base)) await removeImages(await listImages(TEST_REPOSITORY));
    if (!hadNetwork) await removeNetwork();
  };
}
