// A stand-in answers what an engine answers that has lost the container of an end: a real one does so by chance only.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Docker from 'dockerode';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasNetwork, isForsaken, removeNetwork } from '../../scripts/network.ts';

const ENDPOINTS = 'error while removing network: network slipway id 46f3 has active endpoints';
const SOON = { forMs: 200, everyMs: 10 };
const IN_TIME = { forMs: 20_000, everyMs: 10 };

let server: Server | null = null;
afterEach(() => {
  server?.close();
  vi.restoreAllMocks();
});

/** `removals`: the status of each try in turn, the last one for ever. `stopped`: containers that are to be on it. */
async function engineWith(
  containers: Record<string, unknown>,
  removals: readonly number[],
  stopped: readonly object[] = [],
): Promise<{ docker: Docker; tries: () => number }> {
  let [isThere, tries] = [true, 0];
  const answer = (method: string | undefined, url: string | undefined): [number, unknown] => {
    if (url?.startsWith('/containers/json?all=true') === true) return [200, stopped];
    if (url?.startsWith('/networks?') === true) return [200, isThere ? [{ Id: '46f3' }] : []];
    if (!isThere) return [404, { message: 'no such network' }];
    if (method !== 'DELETE') return [200, { Id: '46f3', Containers: containers }];
    const status = removals[Math.min(tries, removals.length - 1)] ?? 500;
    tries += 1;
    isThere = status !== 204;
    return [status, status === 204 ? '' : { message: ENDPOINTS }];
  };
  const made = createServer(({ method, url }, response) => {
    const [status, body] = answer(method, url);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(status === 204 ? '' : JSON.stringify(body));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const { port } = made.address() as AddressInfo;
  return { docker: new Docker({ host: '127.0.0.1', port, protocol: 'http' }), tries: () => tries };
}

describe('the network that a run brought', () => {
  it('goes once the engine has let go of what used it', async () => {
    const { docker, tries } = await engineWith({}, [403, 403, 204]);
    expect(await hasNetwork(docker)).toBe(true);
    await removeNetwork(docker, IN_TIME);
    expect([await hasNetwork(docker), tries()]).toEqual([false, 3]);
  });

  it('stays while a container uses it', async () => {
    const { docker, tries } = await engineWith({ c1: {} }, [204]);
    await removeNetwork(docker, SOON);
    expect([await hasNetwork(docker), tries()]).toEqual([true, 0]);
  });

  it('stays, with a word, where the engine never lets go', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { docker } = await engineWith({}, [403]);
    await removeNetwork(docker, SOON);
    expect(said.mock.calls.join()).toMatch(
      /network slipway stays until the engine restarts: .*active endpoints/,
    );
  });

  it('is forsaken while no container is to be on it, running or not', async () => {
    expect(await isForsaken((await engineWith({}, [403, 204])).docker)).toBe(true);
    server?.close();
    expect(await isForsaken((await engineWith({}, [403], [{ Id: 'c1' }])).docker)).toBe(false);
    server?.close();
    const { docker } = await engineWith({}, [204]);
    await removeNetwork(docker, SOON);
    expect(await isForsaken(docker)).toBe(false);
  });

  it('is not given up for another trouble', async () => {
    const { docker } = await engineWith({}, [500]);
    await expect(removeNetwork(docker, SOON)).rejects.toThrow(/500/);
  });
});
