// The network of all services, where a run of ours has brought it into the engine: taken out again, unless somebody uses it.
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { DEFAULT_NETWORK } from '../deploy/docker-network.ts';

/** A container that has just gone may have left its end of the network behind. */
const PATIENCE_MS = 10_000;
const POLL_MS = 500;

export interface Patience {
  readonly forMs: number;
  readonly everyMs: number;
}

export async function hasNetwork(docker: Docker = new Docker()): Promise<boolean> {
  return (await findNetworks(docker)).length > 0;
}

/** It is there, and no container, running or not, is to be on it. */
export async function isForsaken(docker: Docker = new Docker()): Promise<boolean> {
  if (!(await hasNetwork(docker))) return false;
  const users = await docker.listContainers({ all: true, filters: { network: [DEFAULT_NETWORK] } });
  return users.length === 0;
}

/**
 * One that has containers is somebody's, and stays. So does one with an end that the engine has lost the container of: Docker
 * knows no way to remove it but its own restart. Then that is said on standard error.
 */
export async function removeNetwork(
  docker: Docker = new Docker(),
  { forMs, everyMs }: Patience = { forMs: PATIENCE_MS, everyMs: POLL_MS },
): Promise<void> {
  const deadline = performance.now() + forMs;
  for (;;) {
    const refusals: string[] = [];
    for (const network of await findNetworks(docker)) {
      const refusal = await removeUnused(network);
      if (refusal !== null) refusals.push(refusal);
    }
    if (refusals.length === 0) return;
    if (performance.now() > deadline) {
      process.stderr.write(
        `network ${DEFAULT_NETWORK} stays until the engine restarts: ${refusals.join('; ')}\n`,
      );
      return;
    }
    await sleep(everyMs);
  }
}

async function findNetworks(docker: Docker): Promise<readonly Docker.Network[]> {
  const found = await docker.listNetworks({ filters: { name: [`^${DEFAULT_NETWORK}$`] } });
  return found.map(({ Id }) => docker.getNetwork(Id));
}

/** Null once it is gone, or is somebody's; else why it is still there. */
async function removeUnused(network: Docker.Network): Promise<string | null> {
  try {
    const { Containers = {} } = await network.inspect();
    if (Object.keys(Containers).length === 0) await network.remove();
    return null;
  } catch (error) {
    if (!(error instanceof Error) || !('statusCode' in error)) throw error;
    if (error.statusCode === 404) return null;
    if (error.statusCode === 403 && error.message.includes('active endpoints')) return error.message;
    throw error;
  }
}
